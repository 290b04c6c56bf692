package command

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Return is the candidate that says that the line may end here.
const Return = "<cr>"

// Candidate is a word that may come next on a line.
type Candidate struct {
	// Word is a keyword, the shape of a parameter (INTEGER<1-254>), or Return.
	Word string
	Help string
	// Keyword says that Word can be typed as it is.
	Keyword bool
}

// HelpText returns candidates in two columns, as `?` shows them.
func HelpText(candidates []Candidate) string {
	width := 0
	for _, c := range candidates {
		width = max(width, len(c.Word))
	}
	var b strings.Builder
	for _, c := range candidates {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-*s  %s", width, c.Word, c.Help), " ") + "\n")
	}
	return b.String()
}

// Complete lists what may come next on a line: in place of its last word if the line does
// not end in a space, else after it. Keywords come first, in order. If the complete words
// of the line match no command, the error is an *Error.
func (t *Table[S]) Complete(views []string, text string) ([]Candidate, error) {
	words, partial, err := splitPartial(text)
	if err != nil {
		return nil, err
	}
	found := map[string]Candidate{}
	var worst *Error
	for _, view := range views {
		states, err := t.walk(view, text, words)
		switch {
		case err == nil:
			t.collect(found, states, partial)
		case err.wants != nil:
			found[err.wants.typ.Show] = t.parameter(err.wants)
		case worst == nil || err.further(worst):
			worst = err
		}
	}
	if len(found) == 0 {
		if worst == nil {
			worst = &Error{Kind: Unrecognized, Pos: len(text) - len(partial)}
		}
		return nil, worst
	}
	list := make([]Candidate, 0, len(found))
	for _, c := range found {
		list = append(list, c)
	}
	slices.SortFunc(list, compareCandidates)
	return list, nil
}

// Expand completes the last word of a line as far as it is unique, for the Tab key. After
// a whole keyword it adds a space.
func (t *Table[S]) Expand(views []string, text string) string {
	candidates, err := t.Complete(views, text)
	_, partial, _ := splitPartial(text)
	if err != nil {
		return text
	}
	var keywords []string
	for _, c := range candidates {
		switch {
		case c.Keyword:
			keywords = append(keywords, c.Word)
		case partial == "":
			return text // a parameter is possible, too
		}
	}
	if len(keywords) == 0 {
		return text
	}
	text = text[:len(text)-len(partial)] + commonPrefix(keywords)
	if len(keywords) == 1 {
		text += " "
	}
	return text
}

// splitPartial splits off the last word of a line, which is not complete yet.
func splitPartial(text string) (words []word, partial string, err error) {
	words, err = split(text)
	if n := len(words); err == nil && n > 0 && words[n-1].end == len(text) {
		return words[:n-1], text[words[n-1].pos:], nil
	}
	var missing *Error
	if errors.As(err, &missing) { // the line ends inside a quoted word
		return nil, "", err
	}
	return words, "", err
}

func (t *Table[S]) collect(found map[string]Candidate, states []state[S], partial string) {
	for _, s := range states {
		if s.final() && partial == "" {
			found[Return] = Candidate{Word: Return}
		}
		for _, n := range s.next() {
			switch {
			case n.keyword == "":
				found[n.typ.Show] = t.parameter(n)
			case partial == "" || hasPrefixFold(n.keyword, partial):
				t.addKeyword(found, n.keyword, s.command.Help, s.opening())
			}
		}
	}
}

// opening reports whether the next word is the first keyword of a command, or the first
// after undo or display, and the only keyword that the command has at this position.
func (s state[S]) opening() bool {
	given := s.args.list
	if len(given) > 1 || len(given) == 1 && given[0].name != "undo" && given[0].name != "display" {
		return false
	}
	return len(slices.DeleteFunc(slices.Clone(s.next()), func(n *node) bool { return n.keyword == "" })) == 1
}

// addKeyword adds a keyword with its help. A keyword that opens a command gets the help
// of that command. Any other keyword gets that of the vocabulary, or that of its command
// if only one command has the keyword here.
func (t *Table[S]) addKeyword(found map[string]Candidate, keyword, help string, opening bool) {
	known, several := found[keyword]
	several = several && known.Help != help
	switch h, ok := t.vocabulary.Help[keyword]; {
	case ok && (several || !opening):
		help = h
	case several:
		help = ""
	}
	found[keyword] = Candidate{Word: keyword, Help: help, Keyword: true}
}

func (t *Table[S]) parameter(n *node) Candidate {
	return Candidate{Word: n.typ.Show, Help: t.vocabulary.Help["<"+n.name+">"]}
}

func compareCandidates(a, b Candidate) int {
	rank := func(c Candidate) int {
		switch {
		case c.Keyword:
			return 0
		case c.Word == Return:
			return 2
		}
		return 1
	}
	return cmp.Or(rank(a)-rank(b), strings.Compare(a.Word, b.Word))
}

func commonPrefix(words []string) string {
	common := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, common) {
			common = common[:len(common)-1]
		}
	}
	return common
}
