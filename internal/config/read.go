package config

import (
	"fmt"
	"slices"
	"strings"

	"tandem/internal/command"
)

// Layout follows the indentation of a configuration text, so that a text has the same
// meaning if it is typed, pasted or read from a file. The zero Layout is at the beginning
// of a text.
//
// A line that contains only # ends a section. A line with less indentation than the command
// before it also ends the section if its command belongs to the system view.
type Layout struct{ indent int }

// LineKind is the kind of a line by its form.
type LineKind uint8

// Kinds of lines.
const (
	BlankLine     LineKind = iota // empty, or a comment, which begins with # or !
	SectionEnd                    // only #
	CommandLine                   // the same indentation as the command before it, or more
	OutdentedLine                 // less indentation than the command before it
)

// Next returns the kind of the next line.
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

// Indent returns the indentation of the last command in columns.
func (l *Layout) Indent() int { return l.indent }

// tabStop is the distance of tab stops in columns.
const tabStop = 8

// columns returns how many columns a line is indented.
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

// MatchLine finds the command of a line in the given views. It returns home if the line
// ends the section because its command belongs to the system view.
func MatchLine[S any](t *command.Table[S], kind LineKind, views []string, line string) (m command.Match[S], home bool, err error) {
	if kind == OutdentedLine {
		if m, err = t.Match([]string{ViewSystem}, line); err == nil {
			return m, true, nil
		}
	}
	m, err = t.Match(views, line)
	return m, false, err
}

// LineError is an error in a line of a configuration text.
type LineError struct {
	Line int // from 1
	Text string
	Err  error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("line %d: %q: %v", e.Line, strings.TrimSpace(e.Text), e.Err)
}

func (e *LineError) Unwrap() error { return e.Err }

// textTable is the table for reading texts: the configuration commands, and the commands
// that change the view.
var textTable = mustTable(command.New(Vocabulary(), slices.Concat(editorCommands(), procedureCommands())))

// procedureCommands are commands such as commit that occur in texts for typing. They do
// nothing here, because a text is read as a whole.
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

// mustTable panics on an error, because it would be a programming error.
func mustTable(t *command.Table[*Editor], err error) *command.Table[*Editor] {
	if err != nil {
		panic(err)
	}
	return t
}

// Parse reads a text into an empty model. The error is the *LineError of the first wrong
// line. Parse does not call Validate.
func Parse(text string, keys *Keyring) (*Model, error) {
	m, wrong := read(New(), text, keys)
	if len(wrong) > 0 {
		return nil, wrong[0]
	}
	return m, nil
}

// read executes a text on a model and returns the lines that were refused. There are two
// kinds of texts: one that Write has made, which ends with return, and one for typing,
// which begins with system-view.
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
	begun  bool // a command has been read
	script bool // the first command was system-view
	lost   int  // indentation of the lines to skip, because their heading was refused; 0 for none
}

// line reads the next line and reports whether it ends the text.
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

// command executes a line. If the heading of a section was refused, the lines of the
// section are skipped. Otherwise they would change another object.
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

// viewBehind returns the view after a line that was refused.
func (r *reader) viewBehind(kind LineKind) View {
	if kind == OutdentedLine {
		return SystemView
	}
	return r.View
}
