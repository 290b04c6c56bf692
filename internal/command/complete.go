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

// Candidate is something that may come next on a line.
type Candidate struct {
	// Word is a keyword, the shape of a parameter (INTEGER<1-254>), or Return.
	Word string
	Help string
	// Keyword says that Word can be typed as it stands.
	Keyword bool
}

// HelpText prints candidates in two columns, as `?` shows them.
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

// Complete lists what may come next on a line: instead of its last word when
// it does not end in a space, else after it. Keywords come first, in order.
// A line whose complete words give no command has an *Error.
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

// Expand is what the Tab key does: it completes the last word of a line as far
// as it is certain, with a space after a whole keyword.
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
			return text // a parameter may come as well
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

// splitPartial takes the word that is still being typed off a line.
func splitPartial(text string) (words []word, partial string, err error) {
	words, err = split(text)
	if n := len(words); err == nil && n > 0 && words[n-1].end == len(text) {
		return words[:n-1], text[words[n-1].pos:], nil
	}
	var missing *Error
	if errors.As(err, &missing) { // within a quoted word
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

// opening tells whether the next word opens a command, or does so behind undo or
// display, and is the only keyword that the command has there.
func (s state[S]) opening() bool {
	given := s.args.list
	if len(given) > 1 || len(given) == 1 && given[0].name != "undo" && given[0].name != "display" {
		return false
	}
	return len(slices.DeleteFunc(slices.Clone(s.next()), func(n *node) bool { return n.keyword == "" })) == 1
}

// addKeyword describes a keyword that opens one command by what that does, others by
// the vocabulary, else by the command they belong to while that is the only one.
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
