package console

import (
	"errors"

	"tandem/internal/command"
	"tandem/internal/config"
)

// viewCommands change the view.
func viewCommands() []command.Command[*Session] {
	return []command.Command[*Session]{
		action(userView, "system-view [ immediately ]", "Enter the system view", enterSystem),
		action(configView, "system-view", "Go to the system view", func(s *Session, _ command.Args) error {
			s.candidate.View = config.SystemView
			return nil
		}),
		action(anyView, "quit", "Leave the view, or the session in the user view", quit),
		action(anyView, "screen-length <lines:0..512> temporary", "Set how many lines are shown at a time in this session, 0 for all", screenLength),
		action(anyView, "undo screen-length temporary", "Show as many lines at a time as the screen has", func(s *Session, _ command.Args) error {
			s.screenLength = 0
			return nil
		}),
		show(anyView, "history-command", "Lines that were typed before", func(s *Session, _ command.Args) (Display, error) {
			return linesDisplay(s.history), nil
		}),
		action(configView, "return", "Leave for the user view", func(s *Session, _ command.Args) error { return s.leave() }),
	}
}

// maxHistory is how many lines the history of a session keeps.
const maxHistory = 256

// remember adds the line to the history, unless no command was found or the line before
// was the same.
func (s *Session) remember() {
	n := len(s.history)
	if s.said == "" || n > 0 && s.history[n-1] == s.said {
		return
	}
	if s.history = append(s.history, s.said); n == maxHistory {
		s.history = s.history[1:]
	}
}

func screenLength(s *Session, a command.Args) error {
	if s.screenLength = int(a.Uint("lines")); s.screenLength == 0 {
		s.screenLength = -1
	}
	return nil
}

func enterSystem(s *Session, a command.Args) error {
	s.immediate = a.Has("immediately")
	s.candidate = s.sys.Store.Begin()
	return nil
}

func quit(s *Session, _ command.Args) error {
	switch {
	case s.candidate == nil:
		s.closed = true
	case s.candidate.View != config.SystemView:
		s.candidate.View = config.SystemView
	default:
		return s.leave()
	}
	return nil
}

// errPending is the error in place of a question whether to drop changes, in a session
// that cannot answer questions.
var errPending = errors.New("there are changes that are not committed: commit them, or clear configuration candidate")

const leaveText = "Warning: Changes are not committed. Commit them? [Y(yes)/N(no)/C(cancel)]:"

// leave goes to the user view. If changes would be lost, it asks first.
func (s *Session) leave() error {
	switch {
	case !s.Pending():
		s.toUserView()
	case !s.login.Interactive:
		return errPending
	default:
		s.question = &question{leaveText, s.leaveAnswer}
	}
	return nil
}

func (s *Session) leaveAnswer(answer string) (understood bool, err error) {
	switch answer {
	case "y", "yes":
		if err := s.commit(config.CommitOptions{}); err != nil {
			return true, err
		}
		s.toUserView()
	case "n", "no":
		s.toUserView()
	case "c", "cancel":
	default:
		return false, nil
	}
	return true, nil
}

func (s *Session) toUserView() { s.candidate, s.immediate, s.warned = nil, false, nil }
