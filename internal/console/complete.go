package console

import (
	"strings"

	"tandem/internal/command"
)

// Completion is what may come at the end of a line.
type Completion struct {
	// Expanded is the line completed as far as it is certain.
	Expanded   string
	Candidates []command.Candidate
	// Error says why the line cannot be continued.
	Error string
}

// Complete lists what may come at the end of a line.
func (s *Session) Complete(line string) Completion {
	if s.question != nil {
		return Completion{Expanded: line}
	}
	if text, pipe, piped := splitPipe(line); piped && s.shows(text) {
		return s.completed(line)(completePipe(text, pipe))
	}
	return s.completed(line)(s.completeCommand(line))
}

// shows tells whether a text is a display, which takes filters.
func (s *Session) shows(text string) bool {
	match, err := table().Match(s.views(), text)
	return err == nil && takesPipe(match.Command.Syntax)
}

// completed makes an error of a completion what the console prints.
func (s *Session) completed(line string) func(Completion, error) Completion {
	return func(c Completion, err error) Completion {
		if err != nil {
			return Completion{Expanded: line, Error: strings.TrimSuffix(errorText(err, line, s.Prompt()), "\n")}
		}
		return c
	}
}

func (s *Session) completeCommand(text string) (Completion, error) {
	candidates, err := table().Complete(s.views(), text)
	if err != nil {
		return Completion{}, err
	}
	if s.shows(text) && strings.HasSuffix(text, " ") {
		candidates = append(candidates, command.Candidate{Word: "|", Help: "Filter what is shown"})
	}
	return Completion{Expanded: table().Expand(s.views(), text), Candidates: candidates}, nil
}
