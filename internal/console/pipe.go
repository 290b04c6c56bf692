package console

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"tandem/internal/command"
)

// A filter turns what a display shows into what is printed.
type filter func(Display) (string, error)

// splitPipe cuts a line at its first bar outside quotes. Only displays know pipes.
func splitPipe(line string) (command, pipe string, piped bool) {
	quoted := false
	for i, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '|' && !quoted:
			return line[:i], line[i+1:], true
		}
	}
	return line, "", false
}

// pipeWords are the filters in the order of help.
var pipeWords = []struct{ name, help string }{
	{"begin", "Print from the first line that matches"},
	{"count", "Print the number of lines"},
	{"exclude", "Print lines that do not match"},
	{"include", "Print lines that match"},
	{"json", "Print the same facts as JSON"},
}

// parsePipe reads what follows the bar. Keywords abbreviate like any other.
// When it is not ok, at is the offset in pipe of what is wrong, and kind how.
func parsePipe(pipe string) (f filter, at int, kind command.Kind, ok bool) {
	trimmed := strings.TrimLeft(pipe, " ")
	at = len(pipe) - len(trimmed)
	word, rest, _ := strings.Cut(trimmed, " ")
	restAt := len(pipe) - len(rest)
	rest = strings.TrimSpace(rest)
	name, kind, ok := pipeWord(word)
	if !ok {
		return nil, at, kind, false
	}
	switch name {
	case "json", "count":
		if rest != "" {
			return nil, restAt, command.TooMany, false
		}
		if name == "json" {
			return printJSON, 0, 0, true
		}
		return countLines, 0, 0, true
	}
	if rest == "" {
		return nil, len(pipe), command.Incomplete, false
	}
	re, err := regexp.Compile(strings.Trim(rest, `"`))
	if err != nil {
		return nil, restAt, command.WrongParameter, false
	}
	return lineFilter(name, re), 0, 0, true
}

func pipeWord(word string) (name string, kind command.Kind, ok bool) {
	if word == "" {
		return "", command.Incomplete, false
	}
	found := pipeCandidates(word)
	switch len(found) {
	case 0:
		return "", command.Unrecognized, false
	case 1:
		return found[0].Word, 0, true
	}
	return "", command.Ambiguous, false
}

// pipeCandidates are the filters that begin so.
func pipeCandidates(prefix string) []command.Candidate {
	var found []command.Candidate
	for _, w := range pipeWords {
		if strings.HasPrefix(w.name, strings.ToLower(prefix)) {
			found = append(found, command.Candidate{Word: w.name, Help: w.help, Keyword: true})
		}
	}
	return found
}

// completePipe completes the filter's name; what follows it is free text.
func completePipe(text, pipe string) Completion {
	word := strings.TrimLeft(pipe, " ")
	found := pipeCandidates(word)
	c := Completion{Expanded: text + "|" + pipe, Candidates: found}
	if len(found) == 1 {
		c.Expanded = text + "|" + pipe[:len(pipe)-len(word)] + found[0].Word + " "
	}
	return c
}

func lineFilter(name string, re *regexp.Regexp) filter {
	return func(d Display) (string, error) {
		var b strings.Builder
		begun := false
		for line := range strings.Lines(d.Text) {
			match := re.MatchString(strings.TrimSuffix(line, "\n"))
			begun = begun || match
			if (name == "include" && match) || (name == "exclude" && !match) || (name == "begin" && begun) {
				b.WriteString(line)
			}
		}
		return b.String(), nil
	}
}

func countLines(d Display) (string, error) {
	return fmt.Sprintf("Total lines: %d.\n", strings.Count(d.Text, "\n")), nil
}

func printJSON(d Display) (string, error) {
	b, err := json.MarshalIndent(d.Facts, "", "  ")
	if err != nil {
		return "", fmt.Errorf("printing as JSON: %w", err)
	}
	return string(b) + "\n", nil
}
