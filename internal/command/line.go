package command

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is one word of a line with its position.
type word struct {
	text     string
	pos, end int
	quoted   bool
}

// split cuts a line into words. Spaces separate them except within double
// quotes, which are not part of the word.
func split(line string) ([]word, error) {
	if utf8.RuneCountInString(line) > maxLine {
		return nil, &Error{Kind: WrongParameter, Pos: maxLine, Detail: fmt.Sprintf("a line has at most %d characters", maxLine)}
	}
	var words []word
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		switch {
		case unicode.IsSpace(r):
			i += size
		case r == '"':
			closing := strings.IndexByte(line[i+1:], '"')
			if closing < 0 {
				return nil, &Error{Kind: WrongParameter, Pos: i, Detail: "the closing quote is missing"}
			}
			words = append(words, word{line[i+1 : i+1+closing], i, i + closing + 2, true})
			i += closing + 2
		default:
			n := strings.IndexFunc(line[i:], func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
			if n < 0 {
				n = len(line) - i
			}
			words = append(words, word{line[i : i+n], i, i + n, false})
			i += n
		}
	}
	return words, nil
}

// SplitLines cuts a text of several commands at line ends, and at semicolons outside
// double quotes. Blank commands are left out. All commands of one line get the
// indentation of the line.
func SplitLines(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		indent := line[:len(line)-len(strings.TrimLeftFunc(line, unicode.IsSpace))]
		for _, part := range splitParts(line) {
			if part = strings.TrimSpace(part); part != "" {
				lines = append(lines, indent+part)
			}
		}
	}
	return lines
}

// splitParts cuts a line at semicolons outside double quotes.
func splitParts(line string) []string {
	quoted := false
	return strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ';' && !quoted
	})
}

// end returns the position after the last word.
func end(words []word) int {
	if len(words) == 0 {
		return 0
	}
	return words[len(words)-1].end
}

// Quote returns s in the form in which it has to be typed: in double quotes if it is
// empty or contains a space. A word cannot contain a double quote.
func Quote(s string) string {
	if s == "" || strings.ContainsFunc(s, unicode.IsSpace) {
		return `"` + s + `"`
	}
	return s
}

func hasPrefixFold(s, prefix string) bool {
	return len(prefix) > 0 && len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
