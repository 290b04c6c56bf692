package console

import (
	"cmp"
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
)

// run carries out one line, or takes it as the answer to the open question.
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

// understood is a line whose command is found.
type understood struct {
	match   command.Match[*Session]
	home    bool   // the line ends the section, see config.Layout
	text    string // the line without filters
	filters *pipes
	line    string
}

// understand finds the command of a line, nil where the line has none. It goes to the
// system view where a section ends.
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

// withBar finds the command of a line in which a bar is no filter's, for only displays
// take filters. otherwise is what is wrong with the line up to the bar, if anything.
func (s *Session) withBar(kind config.LineKind, line string, otherwise error) (*understood, error) {
	match, home, err := config.MatchLine(table(), kind, s.views(), line)
	if err != nil {
		return nil, cmp.Or(otherwise, err)
	}
	return &understood{match, home, line, &pipes{}, line}, nil
}

// do carries out a line and prints what it shows.
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

// execute runs a command and, in an immediate session, commits what it changed.
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

// takesPipe says that a command is a display.
func takesPipe(syntax string) bool { return strings.HasPrefix(syntax, displayWord+" ") }
