package command

import (
	"strings"
	"unicode/utf8"
)

// Kind is one of the five ways in which a line is not understood.
type Kind uint8

// The kinds, in VRP's words.
const (
	Unrecognized Kind = iota
	Incomplete
	Ambiguous
	WrongParameter
	TooMany
)

func (k Kind) String() string {
	return [...]string{"Unrecognized command", "Incomplete command", "Ambiguous command",
		"Wrong parameter", "Too many parameters"}[k]
}

// Error says why a line matches no command.
type Error struct {
	Kind Kind
	// Pos is the byte of the line at which the caret points.
	Pos int
	// Detail gives more facts if there are any, such as the range of a parameter; it may
	// be empty.
	Detail string

	wants *node // the parameter at which an incomplete line ends, if any
}

func (e *Error) Error() string {
	s := e.Kind.String() + " found at '^' position."
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

// Render returns the caret line and the error line that a console shows below a line.
// promptWidth is the number of columns before the line.
func (e *Error) Render(line string, promptWidth int) string {
	column := promptWidth + utf8.RuneCountInString(line[:min(e.Pos, len(line))])
	return strings.Repeat(" ", column) + "^\nError: " + e.Error()
}

// further reports whether the view of e matched a longer part of the line than that of o.
func (e *Error) further(o *Error) bool {
	if e.Pos != o.Pos {
		return e.Pos > o.Pos
	}
	return o.Kind == Unrecognized && e.Kind != Unrecognized
}
