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
	"tandem/internal/state"
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
			return linesDisplay(config.WriteView(s.candidate.Model, s.sys.Store.Keys(), s.candidate.View)), nil
		}),
	}
}

func displayCurrent(s *Session, a command.Args) (Display, error) {
	running, keys := s.sys.Store.Running(), s.sys.Store.Keys()
	name := a.String("name")
	if a.Has("interface") && !a.Has("configuration") {
		return linesDisplay(config.WriteKind(running, keys, config.ViewInterface, string(command.Get[config.InterfaceName](a, "interface")))), nil
	}
	if at := slices.IndexFunc(config.Kinds(), a.Has); at >= 0 {
		return linesDisplay(config.WriteKind(running, keys, config.Kinds()[at], name)), nil
	}
	return linesDisplay(config.Write(running, keys)), nil
}

func displaySaved(s *Session, _ command.Args) (Display, error) {
	text, err := s.sys.Store.Saved()
	if errors.Is(err, fs.ErrNotExist) {
		return Display{}, errNeverSaved
	}
	return linesDisplay(strings.Split(strings.TrimSuffix(text, "\n"), "\n")), err
}

func displayCandidate(s *Session, a command.Args) (Display, error) {
	m := s.candidate.Model
	switch {
	case a.Has("changes"):
		return linesDisplay(s.candidate.Changes()), nil
	case a.Has("merge"):
		var err error
		if m, err = s.candidate.Merged(); m == nil {
			return Display{}, err
		}
	}
	return linesDisplay(config.Write(m, s.sys.Store.Keys())), nil
}

func displayCommits(s *Session, a command.Args) (Display, error) {
	points := s.sys.Store.Points()
	for i := range points {
		points[i].At = points[i].At.In(time.Local)
	}
	if a.Has("verbose") {
		return commitsVerboseDisplay(commitsOf(points)), nil
	}
	return commitsDisplay(commitsOf(points)), nil
}

// displayCommitChanges shows the changes of the newest commit, of a given one, or of
// several commits together.
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
	return linesDisplay(config.Diff(before, after, s.sys.Store.Keys())), nil
}

func displayTrial(s *Session, _ command.Args) (Display, error) {
	trial, on := s.sys.Store.Trial()
	if !on {
		return trialDisplay(state.Trial{}), nil
	}
	return trialDisplay(state.Trial{On: true, User: trial.User, Source: trial.Source, Label: trial.Label, Description: trial.Description,
		Persist: trial.Persist != "", Left: time.Until(trial.Until)}), nil
}

// commitsOf returns the state of commits, with the newest first. points has the oldest
// first.
func commitsOf(points []config.Point) (list []state.Commit) {
	for i, p := range slices.Backward(points) {
		list = append(list, state.Commit{Number: len(points) - i, ID: p.ID, Label: p.Label, User: p.User, Source: p.Source, At: p.At,
			Description: p.Description})
	}
	return list
}

// trialDisplay is `display configuration trial status`.
func trialDisplay(t state.Trial) Display {
	s := sheetOf(&t)
	s.fields(0, 16, field{"On Trial", &t.On})
	if t.On {
		s.fields(0, 16, field{"User", &t.User}, field{"Source", &t.Source}, field{"Label", &t.Label},
			field{"Persist", &t.Persist}, field{"Time Left", &t.Left}, field{"Description", &t.Description})
	}
	return s.display()
}

// linesDisplay shows the lines of a configuration, or of other displays.
func linesDisplay(lines []string) Display {
	text := state.Text{Lines: slices.Clone(lines)}
	s := sheetOf(&text)
	for _, line := range lines {
		s.line("%s", line)
	}
	s.record(&text.Lines)
	return s.display()
}

// commitsDisplay is `display configuration commit list`.
func commitsDisplay(commits []state.Commit) Display {
	all := state.Commits{Commits: commits}
	s := sheetOf(&all)
	rows(s, 0, &all.Commits, func(c *state.Commit) []field {
		return []field{{"No.", &c.Number}, {"CommitId", &c.ID}, {"Label", &c.Label}, {"User", &c.User}, {"TimeStamp", &c.At},
			{"Description", &c.Description}}
	})
	return s.display()
}

// commitsVerboseDisplay is `display configuration commit list verbose`.
func commitsVerboseDisplay(commits []state.Commit) Display {
	all := state.Commits{Commits: commits}
	s := sheetOf(&all)
	list(s, &all.Commits, func(i int, c *state.Commit) {
		if i > 0 {
			s.line("")
		}
		s.fields(0, 14, field{"No.", &c.Number}, field{"CommitId", &c.ID}, field{"Label", &c.Label}, field{"User", &c.User},
			field{"Source", &c.Source}, field{"TimeStamp", &c.At}, field{"Description", &c.Description})
	})
	return s.display()
}
