// Package command is a command-line engine in the manner of VRP: a command is declared
// once, as a line of grammar and a function, and matching with abbreviations, the five
// parse errors, completion and the `?` help all derive from that declaration. The package
// does not depend on what the commands do.
//
// The grammar of a command:
//
//	keyword              matched in any case, by any unique prefix
//	\|                   a bar as a keyword
//	<name:type>          a parameter; <name> alone means <name:name>
//	[ a ]                optional
//	{ a | b } [ a | b ]  a choice, optional in brackets
//	[ a | b ] *          any of them in any order, each once; each begins with a keyword
//
// Types are 1..254 (an integer range), string, string(1..64) (one word of so many
// characters), line(1..80) (the rest of the line), ipv6, prefix, mac, and whatever a
// Vocabulary adds.
package command

import (
	"errors"
	"fmt"
	"slices"
)

// maxLine is the longest line that is accepted, in characters. VRP accepts 510, which is
// too short for an RSA key of 3072 bits.
const maxLine = 4096

// Command declares one command for sessions of type S.
type Command[S any] struct {
	// Views names the views in which the command exists.
	Views []string
	// Syntax is the grammar of the command, see the package comment.
	Syntax string
	// Help says in a few words what the command does.
	Help string
	// Run executes the command. An error says why the command was refused.
	Run func(S, Args) error
}

// Lift turns commands for sessions of type T into commands for sessions of type S. of
// returns the T of an S.
func Lift[S, T any](commands []Command[T], of func(S) T) []Command[S] {
	lifted := make([]Command[S], len(commands))
	for i, c := range commands {
		run := c.Run
		lifted[i] = Command[S]{Views: c.Views, Syntax: c.Syntax, Help: c.Help,
			Run: func(s S, a Args) error { return run(of(s), a) }}
	}
	return lifted
}

// Vocabulary holds what several commands share: parameter types by name, and the help of
// keywords (by keyword) and of parameters (by name in angle brackets).
type Vocabulary struct {
	Types map[string]Type
	Help  map[string]string
}

// With returns the union of two vocabularies. If both have an entry, that of o counts.
func (v Vocabulary) With(o Vocabulary) Vocabulary {
	u := Vocabulary{Types: map[string]Type{}, Help: map[string]string{}}
	for _, from := range []Vocabulary{v, o} {
		for name, t := range from.Types {
			u.Types[name] = t
		}
		for word, help := range from.Help {
			u.Help[word] = help
		}
	}
	return u
}

// Table is a compiled set of commands. It never changes, so sessions can share it.
type Table[S any] struct {
	vocabulary Vocabulary
	views      map[string][]*compiled[S]
}

type compiled[S any] struct {
	*Command[S]
	grammar fragment
}

// New compiles commands. An error names the command whose grammar is wrong.
func New[S any](v Vocabulary, commands []Command[S]) (*Table[S], error) {
	t := &Table[S]{vocabulary: v, views: map[string][]*compiled[S]{}}
	for _, c := range commands {
		grammar, err := compile(c.Syntax, v.Types)
		if err != nil {
			return nil, fmt.Errorf("command %q: %w", c.Syntax, err)
		}
		for _, view := range c.Views {
			t.views[view] = append(t.views[view], &compiled[S]{&c, grammar})
		}
	}
	return t, nil
}

// Match is the result of matching a line: the command and its arguments.
type Match[S any] struct {
	Command *Command[S]
	Args    Args
}

// Run executes the matched command.
func (m Match[S]) Run(s S) error { return m.Command.Run(s, m.Args) }

// Shown returns the line with asterisks in place of secrets, for logs and other users.
func (m Match[S]) Shown(line string) string {
	for _, s := range slices.Backward(m.Args.secrets) {
		line = line[:s.from] + "******" + line[s.to:]
	}
	return line
}

// Match finds the command for a line. It tries the views in order and takes the first
// that matches the whole line, so the commands of an inner view hide those of the outer
// views. If no view matches, the error (always an *Error) is that of the view that
// matched the longest part of the line.
func (t *Table[S]) Match(views []string, text string) (Match[S], error) {
	words, err := split(text)
	if err != nil {
		return Match[S]{}, err
	}
	var worst *Error
	for _, view := range views {
		m, err := t.matchIn(view, text, words)
		if err == nil {
			return m, nil
		}
		if worst == nil || err.further(worst) {
			worst = err
		}
	}
	if worst == nil {
		worst = &Error{Kind: Unrecognized}
	}
	return Match[S]{}, worst
}

func (t *Table[S]) matchIn(view, text string, words []word) (Match[S], *Error) {
	states, err := t.walk(view, text, words)
	if err != nil {
		return Match[S]{}, err
	}
	for _, s := range states {
		if s.final() {
			return Match[S]{Command: s.command.Command, Args: s.args}, nil
		}
	}
	return Match[S]{}, &Error{Kind: Incomplete, Pos: end(words)}
}

// state is a position in the grammar of one command, with the arguments read so far.
type state[S any] struct {
	command *compiled[S]
	at      *node // nil at the start
	args    Args
}

func (s state[S]) next() []*node {
	next := s.command.grammar.first
	if s.at != nil {
		next = s.at.next
	}
	if !slices.ContainsFunc(next, s.used) {
		return next
	}
	return slices.DeleteFunc(slices.Clone(next), s.used)
}

// used reports whether the line already has an option that may occur once.
func (s state[S]) used(n *node) bool { return n.once && s.args.Has(n.keyword) }

func (s state[S]) final() bool { return s.at != nil && s.at.final }

// walk reads all words and returns the positions that the line leads to. A parameter may
// take several words, so states[i] holds the positions before word i.
func (t *Table[S]) walk(view, text string, words []word) ([]state[S], *Error) {
	states := make([][]state[S], len(words)+1)
	for _, c := range t.views[view] {
		states[0] = append(states[0], state[S]{command: c})
	}
	if len(states[0]) == 0 {
		return nil, &Error{Kind: Unrecognized}
	}
	reached := 0
	for i := range words {
		if len(states[i]) == 0 {
			continue // this word is inside a parameter of several words
		}
		far, err := step(states, text, words, i)
		if err != nil && reached <= i {
			return nil, err
		}
		reached = max(reached, far)
	}
	return states[len(words)], nil
}

// step reads word i from every position before it and returns how far that led. If both a
// keyword and a parameter match the word, the keyword counts.
func step[S any](states [][]state[S], text string, words []word, i int) (int, *Error) {
	keyword, err := uniqueKeyword(states[i], words[i])
	if err != nil {
		return 0, err
	}
	if keyword != "" {
		for _, s := range states[i] {
			for _, n := range s.next() {
				if n.keyword == keyword {
					states[i+1] = append(states[i+1], state[S]{s.command, n, s.args.with(keyword, nil)})
				}
			}
		}
		return i + 1, nil
	}
	far, failure := 0, failureAt(states[i], words[i])
	for _, s := range states[i] {
		for _, n := range s.next() {
			if n.keyword != "" {
				continue
			}
			value, taken, err := n.parse(text, words[i:])
			if err != nil {
				failure = refusal(failure, n, err, words, i)
				continue
			}
			args := s.args.with(n.name, value)
			if n.typ.Secret {
				args = args.hiding(words[i : i+taken])
			}
			states[i+taken] = append(states[i+taken], state[S]{s.command, n, args})
			far = max(far, i+taken)
		}
	}
	if far == 0 {
		return 0, failure
	}
	return far, nil
}

// uniqueKeyword returns the keyword that a word abbreviates at these positions, empty if
// there is none. An exact match counts before longer keywords.
func uniqueKeyword[S any](states []state[S], w word) (string, *Error) {
	found := ""
	for _, s := range states {
		for _, n := range s.next() {
			switch {
			case n.keyword == "" || w.quoted || !hasPrefixFold(n.keyword, w.text):
			case len(n.keyword) == len(w.text):
				return n.keyword, nil
			case found == "":
				found = n.keyword
			case found != n.keyword:
				found = ambiguous
			}
		}
	}
	if found == ambiguous {
		return "", &Error{Kind: Ambiguous, Pos: w.pos}
	}
	return found, nil
}

// ambiguous is the result of uniqueKeyword for a word that abbreviates several keywords.
// No keyword contains a space.
const ambiguous = "  "

// failureAt returns the error for a word that matches nothing. The kind of the error
// depends on what was expected at this position.
func failureAt[S any](states []state[S], w word) *Error {
	kind := TooMany
	for _, s := range states {
		for _, n := range s.next() {
			switch n.keyword {
			case "":
				return &Error{Kind: WrongParameter, Pos: w.pos}
			default:
				kind = Unrecognized
			}
		}
	}
	return &Error{Kind: kind, Pos: w.pos}
}

// refusal adds the error of a parameter to the failure. If a parameter needs more words
// than the line has, the failure becomes an incomplete command.
func refusal(failure *Error, n *node, err error, words []word, i int) *Error {
	if errors.Is(err, ErrIncomplete) {
		return &Error{Kind: Incomplete, Pos: end(words), wants: n}
	}
	if failure.Kind == WrongParameter && failure.Detail == "" {
		var at *wordError
		if errors.As(err, &at) {
			i += at.word
		}
		return &Error{Kind: WrongParameter, Pos: words[i].pos, Detail: fmt.Sprintf("%s: %v", n.name, err)}
	}
	return failure
}
