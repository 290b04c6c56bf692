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

// configCommands look at and act on configurations: the candidate, the running
// one and the commits.
func configCommands() []command.Command[*Session] {
	return []command.Command[*Session]{
		action(configView, "commit [ label <label:string(1..256)> ] [ description <text:line(1..60)> ]",
			"Put the candidate configuration in force", commitCommand),
		action(configView, "clear configuration candidate", "Drop the changes that are not committed",
			func(s *Session, _ command.Args) error { s.candidate.Clear(); return nil }),
		action(configView, "refresh configuration candidate", "Take up what others have committed meanwhile",
			func(s *Session, _ command.Args) error { return s.candidate.Refresh() }),
		action(userView, "rollback configuration to commit-id <point:1000000001..1999999999>",
			"Return to the configuration of a commit", rollback),
		action(userView, "save", "Save the running configuration", func(s *Session, _ command.Args) error {
			return s.sys.Store.Save()
		}),
		show(anyView, "current-configuration [ configuration { "+strings.Join(config.Kinds(), " | ")+" } [ <name:string> ] | interface [ <interface> ] ]",
			"The configuration in force, or its sections of one kind", displayCurrent),
		show(anyView, "saved-configuration", "The saved configuration", displaySaved),
		show(anyView, "configuration commit list", "Commits that can be returned to", displayCommits),
		show(configView, "configuration candidate [ changes ]", "The candidate configuration", displayCandidate),
		show(configView, "this", "The candidate configuration of this view", func(s *Session, _ command.Args) (Display, error) {
			return Lines(config.WriteView(s.candidate.Model, s.sys.Store.Keys(), s.candidate.View)), nil
		}),
	}
}

func commitCommand(s *Session, a command.Args) error {
	label := a.String("label")
	if label != "" && (label == "-" || label[0] >= '0' && label[0] <= '9') {
		return fmt.Errorf("the label %s begins with a digit or is a dash", label)
	}
	return s.commit(config.PointInfo{Label: label, Description: a.String("text")})
}

// commit puts the candidate in force. After an error the candidate is still there.
func (s *Session) commit(info config.PointInfo) error {
	info.User = s.user
	_, problems, err := s.sys.Store.Commit(s.candidate, info, s.sys.Backend.Apply)
	for _, p := range problems.Warnings() {
		s.warn("%v", p)
	}
	return err
}

func rollback(s *Session, a command.Args) error {
	id := a.Uint("point")
	m, err := s.sys.Store.Load(id)
	if err != nil {
		return err
	}
	candidate := s.sys.Store.Begin()
	candidate.Replace(m)
	_, problems, err := s.sys.Store.Commit(candidate, config.PointInfo{User: s.user,
		Description: fmt.Sprintf("rollback to %d", id)}, s.sys.Backend.Apply)
	for _, p := range problems.Warnings() {
		s.warn("%v", p)
	}
	return err
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
		return Display{}, errors.New("no configuration was saved yet")
	}
	return Lines(strings.Split(strings.TrimSuffix(text, "\n"), "\n")), err
}

func displayCandidate(s *Session, a command.Args) (Display, error) {
	if a.Has("changes") {
		return Lines(s.candidate.Changes()), nil
	}
	return Lines(config.Write(s.candidate.Model, s.sys.Store.Keys())), nil
}

func displayCommits(s *Session, _ command.Args) (Display, error) {
	points := s.sys.Store.Points()
	for i := range points {
		points[i].At = points[i].At.In(time.Local)
	}
	return Commits(points), nil
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
