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
	"tandem/internal/event"
)

const pointParameter = "<point:1000000001..1999999999>"

// configCommands act on configurations: the candidate, the running one, the
// saved one and the commits.
func configCommands() []command.Command[*Session] {
	return []command.Command[*Session]{
		action(configView, "commit [ trial [ <trial:60..65535> ] ] [ label <label:string(1..256)> ] [ persist <persist:string(1..32)> ] "+
			"[ { description | comment } <text:line(1..60)> ]", "Put the candidate configuration in force, or confirm a trial", commitCommand),
		action(configView, "abort trial", "End the trial: the configuration before comes back",
			func(s *Session, _ command.Args) error { return s.sys.Store.AbortTrial() }),
		action(configView, "clear configuration candidate", "Drop the changes that are not committed",
			func(s *Session, _ command.Args) error { s.candidate.Clear(); return nil }),
		action(configView, "refresh configuration candidate", "Take up what others have committed meanwhile; the candidate prevails", refresh),
		action(configView, "load configuration { replace | merge } <file:file> [ \\| compare ]",
			"Take a file into the candidate, whole or not at all; with compare show what that would change", loadFile),
		action(userView, "rollback configuration { to { commit-id "+pointParameter+" | label <label:string(1..256)> } | last <commits:1..49> }",
			"Return to the configuration of a commit", rollback),
		action(userView, "set configuration commit "+pointParameter+" label <label:string(1..256)>", "Give a commit a label", setLabel),
		action(userView, "clear configuration commit "+pointParameter+" label", "Take the label off a commit",
			func(s *Session, a command.Args) error { return s.sys.Store.SetLabel(a.Uint("point"), "") }),
		action(userView, "save", "Save the running configuration: the machine starts with it", func(s *Session, _ command.Args) error {
			if err := s.sys.Store.Save(); err != nil {
				return err
			}
			s.inform("the configuration is saved")
			return nil
		}),
		action(anyView, "compare configuration", "Compare the running configuration with the saved one", compare),
	}
}

// defaultTrial is the duration of a trial if the commit gives none.
const defaultTrial = 600 * time.Second

func commitCommand(s *Session, a command.Args) error {
	label, err := labelOf(a)
	if err != nil {
		return err
	}
	o := config.CommitOptions{PointInfo: config.PointInfo{Label: label, Description: a.String("text")}, Persist: a.String("persist")}
	if a.Has("trial") {
		if o.Trial = defaultTrial; a.Uint("trial") > 0 {
			o.Trial = time.Duration(a.Uint("trial")) * time.Second
		}
	}
	return s.commit(o)
}

// labelOf reads a label. A label must not look like the number of a commit.
func labelOf(a command.Args) (string, error) {
	label := a.String("label")
	if label != "" && (label == "-" || label[0] >= '0' && label[0] <= '9') {
		return "", fmt.Errorf("the label %s begins with a digit or is a dash", label)
	}
	return label, nil
}

// commit puts the candidate in force. After an error the candidate still exists.
func (s *Session) commit(o config.CommitOptions) error {
	o.User, o.Source = s.login.User, s.login.Source
	o.Ended = func(err error) { s.sys.Journal.Emit(event.TrialEnded.With(s.login.User, told(err))) }
	out, err := s.sys.Store.Commit(s.candidate, o, s.sys.Backend.Apply)
	var conflict *config.ConflictError
	if errors.As(err, &conflict) {
		return fmt.Errorf("%w\nwith refresh configuration candidate the candidate prevails; display configuration candidate merge shows the result", err)
	}
	if err != nil {
		return err
	}
	out.Warnings = append(out.Warnings, s.absent()...)
	s.tell(out)
	if o.Trial > 0 && s.sys.onTrial() {
		s.inform("the configuration is on trial for %v; commit keeps it", o.Trial)
	}
	return nil
}

// absent warns of configured interfaces that the machine does not have.
func (s *Session) absent() (problems config.Problems) {
	for _, i := range s.sys.Backend.Interfaces() {
		if !i.Exists {
			problems = append(problems, config.Problem{Where: "interface " + i.Name, Warning: true,
				Text: "this machine has no interface of that name or alias, so nothing works on it until there is one"})
		}
	}
	return problems
}

// told returns an error for the log, an empty string for no error.
func told(err error) string {
	if err == nil {
		return "none"
	}
	return err.Error()
}

func (sys *System) onTrial() bool {
	_, on := sys.Store.Trial()
	return on
}

// tell prints the result of a commit. A session that commits every line does not print
// the same warning again.
func (s *Session) tell(out config.Outcome) {
	for _, p := range out.Warnings {
		if !s.immediate || !slices.Contains(s.warned, p) {
			s.warn("%v", p)
		}
	}
	s.warned = out.Warnings
	for _, p := range out.Kept {
		s.inform("what commit %v changed meanwhile is kept", p)
	}
}

// refresh prints, as warnings, which changes of others the candidate is going to undo.
func refresh(s *Session, _ command.Args) error {
	err := s.candidate.Refresh()
	var conflict *config.ConflictError
	if !errors.As(err, &conflict) {
		return err
	}
	for line := range strings.Lines(conflict.Error()) {
		s.warn("%s", strings.TrimSuffix(line, "\n"))
	}
	return nil
}

func rollback(s *Session, a command.Args) error {
	id, err := rollbackPoint(s.sys.Store, a)
	if err != nil {
		return err
	}
	info := config.PointInfo{User: s.login.User, Source: s.login.Source, Description: fmt.Sprintf("rollback to %d", id)}
	out, err := s.sys.Store.Rollback(id, info, s.sys.Backend.Apply)
	if err != nil {
		return err
	}
	s.tell(out)
	return nil
}

// rollbackPoint returns the commit that a command names; `last 1` is the one before the
// newest.
func rollbackPoint(store *config.Store, a command.Args) (uint64, error) {
	switch points, last := store.Points(), int(a.Uint("commits")); {
	case a.Has("commit-id"):
		return a.Uint("point"), nil
	case a.Has("label"):
		p, err := store.Labelled(a.String("label"))
		return p.ID, err
	case last >= len(points):
		return 0, fmt.Errorf("there are %d commits, so the last %d cannot be undone", len(points), last)
	default:
		return points[len(points)-1-last].ID, nil
	}
}

func setLabel(s *Session, a command.Args) error {
	label, err := labelOf(a)
	if err != nil {
		return err
	}
	return s.sys.Store.SetLabel(a.Uint("point"), label)
}

func compare(s *Session, _ command.Args) error {
	saved, err := s.sys.Store.SavedModel()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errNeverSaved
	case err != nil:
		return err
	}
	s.shown = linesDisplay(config.Diff(saved, s.sys.Store.Running(), s.sys.Store.Keys()))
	if s.shown.Text == "" {
		s.inform("the running configuration is the saved one")
	}
	return nil
}

var errNeverSaved = errors.New("no configuration was saved yet")
