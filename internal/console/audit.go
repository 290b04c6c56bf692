package console

import (
	"errors"

	"tandem/internal/command"
	"tandem/internal/event"
)

// audit records a line that was typed at a prompt, and whether it succeeded.
func (s *Session) audit(prompt string, err error) {
	said, result := s.said, "done"
	var parse *command.Error
	switch {
	case said == "" && err == nil:
		return // a blank line
	case errors.As(err, &parse):
		// Neither the line nor the reason is recorded: a word in the wrong place may be a
		// secret.
		said, result = "(not understood)", parse.Kind.String()
	case err != nil:
		result = "refused: " + err.Error()
	}
	s.sys.Journal.Record(event.CommandRecord.With(s.login.User, s.login.Source, prompt, said, result))
}
