package console

import (
	"cmp"
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
)

// run runs one line, or passes it as the answer to the open question.
func (s *Session) run(line string) error {
	if s.question != nil {
		return s.reply(line)
	}
	if s.candidate != nil {
		s.candidate.Follow()
	}
	u, err := s.understand(s.layout.Next(line), line)
	if err != nil || u == nil {
		return err
	}
	return s.do(u)
}

// understood is a line whose command has been found.
type understood struct {
	match   command.Match[*Session]
	home    bool   // the line ends the section and goes to the system view, see config.Layout
	text    string // the line without its filters
	filters *pipes
	line    string
}

// understand finds the command of a line, nil if the line contains none. If a section
// ends, it goes to the system view.
func (s *Session) understand(kind config.LineKind, line string) (*understood, error) {
	switch {
	case kind == config.BlankLine:
		return nil, nil
	case kind == config.SectionEnd && s.candidate != nil:
		s.candidate.View = config.SystemView
		return nil, nil
	case kind == config.SectionEnd:
		return nil, nil
	case s.candidate == nil:
		kind = config.CommandLine // the user view has no sections
	}
	text, pipe, piped := splitPipe(line)
	match, home, err := config.MatchLine(table(), kind, s.views(), text)
	u := &understood{match, home, text, &pipes{}, line}
	if piped && (err != nil || !takesPipe(match.Command.Syntax)) {
		return s.withBar(kind, line, err)
	}
	if err == nil && piped {
		u.filters, err = parsePipes(pipe)
		return u, shifted(err, len(text)+1)
	}
	if err == nil && s.JSON && takesPipe(match.Command.Syntax) {
		u.filters.filters = []filter{printJSON}
	}
	return u, err
}

// withBar finds the command of a line whose bar does not begin a filter, because only
// displays may have filters. otherwise is the error of the line up to the bar, if there
// is one.
func (s *Session) withBar(kind config.LineKind, line string, otherwise error) (*understood, error) {
	match, home, err := config.MatchLine(table(), kind, s.views(), line)
	if err != nil {
		return nil, cmp.Or(otherwise, err)
	}
	return &understood{match, home, line, &pipes{}, line}, nil
}

// do runs a line and prints its display.
func (s *Session) do(u *understood) error {
	s.said = strings.TrimSpace(u.match.Shown(u.text) + u.line[len(u.text):])
	if u.home {
		s.candidate.View = config.SystemView
	}
	if err := s.execute(u.match); err != nil {
		return err
	}
	out, err := u.filters.print(s.shown)
	s.printed.WriteString(out)
	return err
}

// execute runs a command. In an immediate session it then commits the changes.
func (s *Session) execute(match command.Match[*Session]) error {
	if err := match.Run(s); err != nil {
		return err
	}
	if !s.immediate || !s.Pending() {
		return nil
	}
	if err := s.commit(config.CommitOptions{}); err != nil {
		s.candidate.Drop()
		return err
	}
	return nil
}

// takesPipe reports whether a command is a display, which filters may follow.
func takesPipe(syntax string) bool { return strings.HasPrefix(syntax, displayWord+" ") }
