package console

import (
	"context"
	"errors"
	"fmt"

	"tandem/internal/command"
	"tandem/internal/event"
)

func monitorCommands() []command.Command[*Session] {
	return []command.Command[*Session]{
		action(userView, "terminal monitor", "Show events on this terminal as they come", monitor(true)),
		action(userView, "undo terminal monitor", "Show no events on this terminal", monitor(false)),
	}
}

func monitor(on bool) func(*Session, command.Args) error {
	return func(s *Session, _ command.Args) error {
		if !s.login.Interactive {
			return errors.New("a script has no terminal")
		}
		s.monitor = nil
		if on {
			book := s.sys.Journal.Book()
			last := book.Last()
			s.monitor = &last
		}
		return nil
	}
}

// Follow waits for events with numbers above after, and returns them as lines of VRP's
// log, with the number of the last.
func (sys *System) Follow(ctx context.Context, after uint64) (text string, last uint64, err error) {
	entries, err := sys.Journal.Follow(ctx, after)
	if err != nil {
		return "", after, err
	}
	sysname := sys.Store.Running().SysName
	for _, e := range entries {
		text += logLine(e, sysname) + "\n"
		after = e.Number
	}
	return text, after, nil
}

func logLine(e event.Entry, sysname string) string {
	return fmt.Sprintf("%s %s %%%%01%s/%d/%s(l)[%d]:%s (%s)", e.At.Format("Jan _2 2006 15:04:05.000"), sysname,
		e.Module, e.Severity, e.Name, e.Number, e.Text, e.Facts())
}
