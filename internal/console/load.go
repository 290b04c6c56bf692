package console

import (
	"fmt"

	"tandem/internal/command"
	"tandem/internal/config"
)

// loadFile loads a file of the device into the candidate.
func loadFile(s *Session, a command.Args) error {
	text, err := config.ReadText(command.Get[string](a, "file"))
	if err != nil {
		return err
	}
	return s.load(text, a.Has("replace"), a.Has("compare"))
}

// Load loads a text into the candidate, in place of its content or in addition to it, or
// only shows the resulting changes. A session in the user view enters the system view
// first.
func (s *Session) Load(text string, replace, compare bool) Result {
	line := "load configuration merge"
	if replace {
		line = "load configuration replace"
	}
	return s.turn(line, func() error {
		s.said = line
		switch {
		case s.login.Level < Configuration:
			return &command.Error{Kind: command.Unrecognized}
		case s.candidate == nil:
			s.candidate = s.sys.Store.Begin()
		}
		return s.load(text, replace, compare)
	})
}

func (s *Session) load(text string, replace, compare bool) error {
	if !compare {
		return s.candidate.Load(text, replace)
	}
	changes, err := s.candidate.Compare(text, replace)
	for _, line := range changes {
		fmt.Fprintln(&s.printed, line)
	}
	if err == nil && len(changes) == 0 {
		s.inform("that would change nothing")
	}
	return err
}
