package console

import (
	"strings"

	"tandem/internal/command"
)

// Completion lists what may follow at the end of a line.
type Completion struct {
	// Expanded is the line with its last word completed as far as it is unique.
	Expanded   string
	Candidates []command.Candidate
	// Error says why the line cannot be continued.
	Error string
}

// Complete lists what may follow at the end of a line.
func (s *Session) Complete(line string) Completion {
	if s.question != nil {
		return Completion{Expanded: line}
	}
	if text, pipe, piped := splitPipe(line); piped && s.shows(text) {
		return s.completed(line)(completePipe(text, pipe))
	}
	return s.completed(line)(s.completeCommand(line))
}

// shows reports whether a text is a display command, after which filters may follow.
func (s *Session) shows(text string) bool {
	match, err := table().Match(s.views(), text)
	return err == nil && takesPipe(match.Command.Syntax)
}

// completed converts an error of a completion into the text that the console prints.
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
