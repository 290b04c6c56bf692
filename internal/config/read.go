package config

import (
	"fmt"
	"slices"
	"strings"

	"tandem/internal/command"
)

// Layout follows the lines of a text of configuration, so that a text means the
// same whether it is typed, pasted or read from a file. The zero Layout is at the
// beginning of a text.
//
// A line of # alone ends a section. So does a line that is indented less than the
// command before it, where the system view has the command of the line.
type Layout struct{ indent int }

// LineKind is what the form of a line tells.
type LineKind uint8

// The kinds of lines.
const (
	BlankLine     LineKind = iota // nothing, or a comment, which begins with # or !
	SectionEnd                    // # alone
	CommandLine                   // indented as the command before it, or more
	OutdentedLine                 // a command that is indented less than the one before it
)

// Next tells what a line is and moves on behind it.
func (l *Layout) Next(line string) LineKind {
	text := strings.TrimSpace(line)
	switch {
	case text == "#":
		l.indent = 0
		return SectionEnd
	case text == "" || text[0] == '#' || text[0] == '!':
		return BlankLine
	}
	before := l.indent
	l.indent = columns(line)
	if l.indent < before {
		return OutdentedLine
	}
	return CommandLine
}

// Indent is how many columns the last command was indented.
func (l *Layout) Indent() int { return l.indent }

// tabStop is the distance of tab stops in columns.
const tabStop = 8

// columns is how far a line is indented.
func columns(line string) int {
	n := 0
	for _, r := range line {
		switch r {
		case '\t':
			n += tabStop - n%tabStop
		case ' ':
			n++
		default:
			return n
		}
	}
	return n
}

// MatchLine finds the command of a line of some kind, which the views have. home
// says that the line ends the section: its command is one of the system view.
func MatchLine[S any](t *command.Table[S], kind LineKind, views []string, line string) (m command.Match[S], home bool, err error) {
	if kind == OutdentedLine {
		if m, err = t.Match([]string{ViewSystem}, line); err == nil {
			return m, true, nil
		}
	}
	m, err = t.Match(views, line)
	return m, false, err
}

// LineError says which line of a configuration text is wrong.
type LineError struct {
	Line int // from 1
	Text string
	Err  error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("line %d: %q: %v", e.Line, strings.TrimSpace(e.Text), e.Err)
}

func (e *LineError) Unwrap() error { return e.Err }

// textTable is the table that texts are read with: the configuration commands, and
// the words by which a procedure moves between the views.
var textTable = mustTable(command.New(Vocabulary(), slices.Concat(editorCommands(), procedureCommands())))

// procedureCommands are in texts that were written to be typed. Whoever reads a text
// takes it as a whole, so it has nothing to commit on the way.
func procedureCommands() []command.Command[*Editor] {
	home := func(e *Editor, _ command.Args) error { e.View = SystemView; return nil }
	stay := func(*Editor, command.Args) error { return nil }
	in := []string{ViewConfig}
	return []command.Command[*Editor]{
		{Views: in, Syntax: "system-view", Run: home},
		{Views: in, Syntax: "quit", Run: home},
		{Views: in, Syntax: "commit", Run: stay},
	}
}

// mustTable is for a table that is part of the program.
func mustTable(t *command.Table[*Editor], err error) *command.Table[*Editor] {
	if err != nil {
		panic(err)
	}
	return t
}

// Parse reads a text into an empty model. The error is the *LineError of the first
// line that is wrong. Parse does not Validate.
func Parse(text string, keys *Keyring) (*Model, error) {
	m, wrong := read(New(), text, keys)
	if len(wrong) > 0 {
		return nil, wrong[0]
	}
	return m, nil
}

// read enters a text into a model, which it changes, and returns the lines that were
// refused. The text is what Write makes, where return ends it, or lines to be typed
// that begin with system-view.
func read(m *Model, text string, keys *Keyring) (*Model, []*LineError) {
	r := reader{Editor: newEditor(m, keys)}
	var wrong []*LineError
	for i, line := range strings.Split(text, "\n") {
		ended, err := r.line(strings.TrimRight(line, " \t\r"))
		if err != nil {
			wrong = append(wrong, &LineError{i + 1, line, err})
		}
		if ended {
			break
		}
	}
	return r.Model, wrong
}

// reader reads a text line by line.
type reader struct {
	*Editor
	layout Layout
	begun  bool // there was a command
	script bool // the first command was system-view
	lost   int  // lines indented so far belong to a section that was refused; 0 for none
}

// line reads the next line and tells whether it ends the text.
func (r *reader) line(line string) (ended bool, err error) {
	kind := r.layout.Next(line)
	switch {
	case kind == BlankLine:
		return false, nil
	case kind == SectionEnd:
		r.View, r.lost = SystemView, 0
		return false, nil
	case strings.TrimSpace(line) == lastLine:
		r.View, r.lost = SystemView, 0
		return !r.script, nil
	case r.lost > 0 && r.layout.indent >= r.lost:
		return false, nil
	}
	return false, r.command(kind, line)
}

// command carries out a line. The lines of a section whose heading is refused are
// not read: they would be taken for those of another object.
func (r *reader) command(kind LineKind, line string) error {
	m, home, err := MatchLine(textTable, kind, r.View.Chain(), line)
	if err == nil {
		if home {
			r.View = SystemView
		}
		if !r.begun {
			r.begun, r.script = true, m.Command.Syntax == "system-view"
		}
		err = m.Run(r.Editor)
	}
	if r.lost = 0; err != nil {
		r.View, r.lost = r.viewBehind(kind), r.layout.indent+1
	}
	return err
}

// viewBehind is where the reader is behind a line that was refused.
func (r *reader) viewBehind(kind LineKind) View {
	if kind == OutdentedLine {
		return SystemView
	}
	return r.View
}
