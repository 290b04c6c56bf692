package console

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"tandem/internal/command"
	"tandem/internal/config"
)

// configurationDisplays are the displays of configurations and commits.
func configurationDisplays() []command.Command[*Session] {
	return []command.Command[*Session]{
		show(anyView, "current-configuration [ configuration { "+strings.Join(config.Kinds(), " | ")+" } [ <name:string> ] | interface [ <interface> ] ]",
			"The configuration in force, or its sections of one kind", displayCurrent),
		show(anyView, "saved-configuration", "The saved configuration", displaySaved),
		show(anyView, "configuration commit list [ verbose ]", "Commits that can be returned to", displayCommits),
		show(anyView, "configuration commit changes [ at "+pointParameter+" | since "+pointParameter+" | last <commits:1..49> ]",
			"What commits have changed, the newest one if none is named", displayCommitChanges),
		show(anyView, "configuration trial status", "The trial that is running", displayTrial),
		show(configView, "configuration candidate [ changes | merge ]", "The candidate configuration", displayCandidate),
		show(configView, "this", "The candidate configuration of this view", func(s *Session, _ command.Args) (Display, error) {
			return Lines(config.WriteView(s.candidate.Model, s.sys.Store.Keys(), s.candidate.View)), nil
		}),
	}
}

func displayCurrent(s *Session, a command.Args) (Display, error) {
	running, keys := s.sys.Store.Running(), s.sys.Store.Keys()
	name := a.String("name")
	if a.Has("interface") && !a.Has("configuration") {
		return Lines(config.WriteKind(running, keys, config.ViewInterface, string(command.Get[config.InterfaceName](a, "interface")))), nil
	}
	if at := slices.IndexFunc(config.Kinds(), a.Has); at >= 0 {
		return Lines(config.WriteKind(running, keys, config.Kinds()[at], name)), nil
	}
	return Lines(config.Write(running, keys)), nil
}

func displaySaved(s *Session, _ command.Args) (Display, error) {
	text, err := s.sys.Store.Saved()
	if errors.Is(err, fs.ErrNotExist) {
		return Display{}, errNeverSaved
	}
	return Lines(strings.Split(strings.TrimSuffix(text, "\n"), "\n")), err
}

func displayCandidate(s *Session, a command.Args) (Display, error) {
	m := s.candidate.Model
	switch {
	case a.Has("changes"):
		return Lines(s.candidate.Changes()), nil
	case a.Has("merge"):
		var err error
		if m, err = s.candidate.Merged(); m == nil {
			return Display{}, err
		}
	}
	return Lines(config.Write(m, s.sys.Store.Keys())), nil
}

func displayCommits(s *Session, a command.Args) (Display, error) {
	points := s.sys.Store.Points()
	for i := range points {
		points[i].At = points[i].At.In(time.Local)
	}
	if a.Has("verbose") {
		return CommitsVerbose(points), nil
	}
	return Commits(points), nil
}

// displayCommitChanges shows what the newest commit changed, one of them, or
// several together.
func displayCommitChanges(s *Session, a command.Args) (Display, error) {
	points := s.sys.Store.Points()
	from, to := len(points)-2, len(points)-1
	switch id := a.Uint("point"); {
	case a.Has("last"):
		from = to - int(a.Uint("commits"))
	case a.Has("since"), a.Has("at"):
		at := slices.IndexFunc(points, func(p config.Point) bool { return p.ID == id })
		if at < 0 {
			return Display{}, fmt.Errorf("%w: %d", config.ErrNoPoint, id)
		}
		if from = at; a.Has("at") {
			from, to = at-1, at
		}
	}
	if from < 0 {
		return Display{}, fmt.Errorf("what was in force before is not kept; there are %d commits", len(points))
	}
	before, err := s.sys.Store.Load(points[from].ID)
	if err != nil {
		return Display{}, err
	}
	after, err := s.sys.Store.Load(points[to].ID)
	if err != nil {
		return Display{}, err
	}
	return Lines(config.Diff(before, after, s.sys.Store.Keys())), nil
}

func displayTrial(s *Session, _ command.Args) (Display, error) {
	trial, on := s.sys.Store.Trial()
	return Trial(trial, on, time.Now()), nil
}

// Trial is `display configuration trial status`.
func Trial(trial config.TrialInfo, on bool, now time.Time) Display {
	s := newSheet()
	s.field(0, 16, field{"On Trial", on})
	if on {
		s.fields(0, 16, field{"User", trial.User}, field{"Source", trial.Source}, field{"Label", trial.Label},
			field{"Persist", trial.Persist != ""}, field{"Time Left", trial.Until.Sub(now)}, field{"Description", trial.Description})
	}
	return s.display()
}

// Lines shows configuration text.
func Lines(lines []string) Display {
	s := newSheet()
	for _, line := range lines {
		s.line("%s", line)
	}
	s.fact("lines", slices.Clone(lines))
	return s.display()
}

// Commits is `display configuration commit list`, the newest first.
func Commits(points []config.Point) Display {
	s := newSheet()
	rows := make([][]any, 0, len(points))
	for i, p := range slices.Backward(points) {
		rows = append(rows, []any{len(points) - i, p.ID, p.Label, p.User, p.At, p.Description})
	}
	s.table(0, "commits", []string{"No.", "CommitId", "Label", "User", "TimeStamp", "Description"}, rows)
	return s.display()
}

// CommitsVerbose is `display configuration commit list verbose`, the newest first.
func CommitsVerbose(points []config.Point) Display {
	s := newSheet()
	slices.Reverse(points)
	each(s, "commits", points, func(i int, p config.Point) {
		if i > 0 {
			s.line("")
		}
		s.fields(0, 14, field{"No.", len(points) - i}, field{"CommitId", p.ID}, field{"Label", p.Label}, field{"User", p.User},
			field{"Source", p.Source}, field{"TimeStamp", p.At}, field{"Description", p.Description})
	})
	return s.display()
}
