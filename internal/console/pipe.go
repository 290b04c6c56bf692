package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"tandem/internal/command"
)

// A filter changes the output of a display, or of the filter before it.
type filter func(Display) (Display, error)

// pipes holds the filters of one line, in order.
type pipes struct{ filters []filter }

// splitPipe splits a line at its first bar outside quotes. Only displays may have
// filters.
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

// nextPipe matches a bar after a filter that begins another filter. Other bars belong to
// a regular expression. So the name of the next filter needs at least three letters.
var nextPipe = regexp.MustCompile(`(?i)\s\|\s*(?:beg(?:i|in)?|cou(?:n|nt)?|exc(?:l|lu|lud|lude)?|inc(?:l|lu|lud|lude)?|sec(?:t|ti|tio|tion)?|json?)(?:\s|$)`)

// stages splits the text after the first bar into filters, and returns the offset of
// each.
func stages(pipe string) (texts []string, offsets []int) {
	from := 0
	for {
		at := nextPipe.FindStringIndex(pipe[from:])
		if at == nil {
			return append(texts, pipe[from:]), append(offsets, from)
		}
		texts, offsets = append(texts, pipe[from:from+at[0]+1]), append(offsets, from)
		from += at[0] + 2
	}
}

// pipeTable is the grammar of one filter.
var pipeTable = sync.OnceValue(func() *command.Table[*pipes] {
	t, err := command.New(pipeVocabulary, pipeCommands())
	if err != nil {
		panic(err)
	}
	return t
})

var pipeView = []string{"pipe"}

var pipeVocabulary = command.Vocabulary{
	Types: map[string]command.Type{"regexp": {Name: "regexp", Show: "TEXT", Rest: true, Parse: parseRegexp}},
	Help: map[string]string{
		"begin": "Print from the first line that matches", "count": "Print the number of lines",
		"exclude": "Print what does not match", "include": "Print what matches",
		"json": "Print the same facts as JSON", "section": "Print whole sections, a heading with its indented lines",
		"<regexp>": "Regular expression",
	},
}

func parseRegexp(words []string) (any, int, error) {
	re, err := regexp.Compile(strings.Trim(words[0], `"`))
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		err = fmt.Errorf("%s", wrong.Code)
	}
	return re, 1, err
}

func pipeCommands() []command.Command[*pipes] {
	declare := func(syntax string, f func(command.Args) filter) command.Command[*pipes] {
		return command.Command[*pipes]{Views: pipeView, Syntax: syntax, Run: func(p *pipes, a command.Args) error {
			p.filters = append(p.filters, f(a))
			return nil
		}}
	}
	return []command.Command[*pipes]{
		declare("{ begin | exclude | include } <regexp>", filterLines),
		declare("section { exclude | include } <regexp>", filterSections),
		declare("count", func(command.Args) filter { return countLines }),
		declare("json", func(command.Args) filter { return printJSON }),
	}
}

// parsePipes parses the text after the first bar. The position in its *command.Error is
// relative to pipe.
func parsePipes(pipe string) (*pipes, error) {
	p := &pipes{}
	texts, offsets := stages(pipe)
	for i, text := range texts {
		match, err := pipeTable().Match(pipeView, text)
		if err == nil && match.Args.Has("json") && i > 0 {
			err = &command.Error{Kind: command.WrongParameter, Pos: len(text) - len(strings.TrimLeft(text, " ")),
				Detail: "json takes what the display itself shows, so it comes first"}
		}
		if err != nil {
			return nil, shifted(err, offsets[i])
		}
		// The functions of this table return no errors.
		_ = match.Run(p)
	}
	return p, nil
}

// shifted moves the caret of an error.
func shifted(err error, by int) error {
	var parse *command.Error
	if errors.As(err, &parse) {
		moved := *parse
		moved.Pos += by
		return &moved
	}
	return err
}

// completePipe completes the last filter of a line.
func completePipe(text, pipe string) (Completion, error) {
	texts, offsets := stages(pipe)
	last, at := texts[len(texts)-1], offsets[len(offsets)-1]
	candidates, err := pipeTable().Complete(pipeView, last)
	if err != nil {
		return Completion{}, shifted(err, len(text)+1+at)
	}
	return Completion{Expanded: text + "|" + pipe[:at] + pipeTable().Expand(pipeView, last), Candidates: candidates}, nil
}

// print passes a display through the filters and returns the text.
func (p *pipes) print(d Display) (string, error) {
	for _, f := range p.filters {
		var err error
		if d, err = f(d); err != nil {
			return "", err
		}
	}
	return d.Text, nil
}

func matches(re *regexp.Regexp, line string) bool {
	return re.MatchString(strings.TrimSuffix(line, "\n"))
}

func filterLines(a command.Args) filter {
	re := command.Get[*regexp.Regexp](a, "regexp")
	return func(d Display) (Display, error) {
		begun := false
		return keep(d, slices.Collect(strings.Lines(d.Text)), func(line string) bool {
			match := matches(re, line)
			begun = begun || match
			return a.Has("include") && match || a.Has("exclude") && !match || a.Has("begin") && begun
		}), nil
	}
}

// filterSections keeps or removes a heading with all of its indented lines if any of
// these lines matches.
func filterSections(a command.Args) filter {
	re := command.Get[*regexp.Regexp](a, "regexp")
	return func(d Display) (Display, error) {
		var sections []string
		for line := range strings.Lines(d.Text) {
			if len(sections) == 0 || !strings.HasPrefix(line, " ") {
				sections = append(sections, "")
			}
			sections[len(sections)-1] += line
		}
		return keep(d, sections, func(section string) bool {
			match := false
			for line := range strings.Lines(section) {
				match = match || matches(re, line)
			}
			return match == a.Has("include")
		}), nil
	}
}

func keep(d Display, parts []string, wanted func(string) bool) Display {
	d.Text = strings.Join(slices.DeleteFunc(parts, func(part string) bool { return !wanted(part) }), "")
	return d
}

func countLines(d Display) (Display, error) {
	d.Text = fmt.Sprintf("Total lines: %d.\n", strings.Count(d.Text, "\n"))
	return d, nil
}

func printJSON(d Display) (Display, error) {
	b, err := json.MarshalIndent(d.Facts, "", "  ")
	if err != nil {
		return d, fmt.Errorf("printing as JSON: %w", err)
	}
	d.Text = string(b) + "\n"
	return d, nil
}
