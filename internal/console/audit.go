package console

import (
	"errors"

	"tandem/internal/command"
	"tandem/internal/event"
)

// audit records the line that was typed at a prompt, and what came of it.
func (s *Session) audit(prompt string, err error) {
	said, result := s.said, "done"
	var parse *command.Error
	switch {
	case said == "" && err == nil:
		return // nothing was typed
	case errors.As(err, &parse):
		// Neither the line nor the reason: a word in the wrong place may be a secret.
		said, result = "(not understood)", parse.Kind.String()
	case err != nil:
		result = "refused: " + err.Error()
	}
	s.sys.Journal.Record(event.CommandRecord.With(s.login.User, s.login.Source, prompt, said, result))
}
