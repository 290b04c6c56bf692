package console

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tandem/internal/command"
	"tandem/internal/config"
)

// transcripts returns the text of all transcripts.
func transcripts(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("testdata/transcript/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// TestEveryErrorIsInATranscript: each error text of refusals and problems in the source
// must occur in some transcript.
func TestEveryErrorIsInATranscript(t *testing.T) {
	seen := transcripts(t)
	for _, pattern := range []string{"../config/table*.go", "../config/validate*.go", "../config/acl.go", "../config/name.go", "../config/vocabulary.go", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, text := range errorTexts(t, file) {
				if !slices.Contains(neverTyped, text) && !shows(seen, text) {
					t.Errorf("%s: no transcript shows %q; add the line that brings it about to testdata/transcript/errors.txt", file, text)
				}
			}
		}
	}
}

// neverTyped lists errors that no typed line can cause.
var neverTyped = []string{
	"%s %s does not exist any more", "e-trunk %s does not exist any more", // a view ends with its object
	"printing as JSON: %w", "field %s: %w", // every display can be printed
}

// errorTexts returns the texts of the errors that a source file makes.
func errorTexts(t *testing.T, file string) (texts []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch f := call.Fun.(type) {
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		if !slices.Contains([]string{"Errorf", "New", "fail", "warn"}, name) {
			return true
		}
		for _, arg := range call.Args {
			if literal, ok := arg.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err == nil && strings.Contains(text, " ") {
					texts = append(texts, text)
				}
			}
		}
		return true
	})
	return texts
}

var verb = regexp.MustCompile(`%[#+-]?[a-z]`)

// shows reports whether a text contains what a format may print, line by line.
func shows(text, format string) bool {
	for line := range strings.SplitSeq(format, "\n") {
		parts := verb.Split(line, -1)
		for i, p := range parts {
			parts[i] = regexp.QuoteMeta(p)
		}
		if !regexp.MustCompile(strings.Join(parts, ".*")).MatchString(text) {
			return false
		}
	}
	return true
}

// TestEveryViewIsInATranscript: the prompt of every kind of view must occur in a
// transcript.
func TestEveryViewIsInATranscript(t *testing.T) {
	seen := transcripts(t)
	for _, kind := range append(config.Kinds(), config.ViewBFD) {
		prompt := config.View{Kind: kind, Name: "NAME"}.Prompt()
		prompt = strings.ReplaceAll(regexp.QuoteMeta(prompt), "NAME", `[^]\s]+`)
		if kind != config.ViewInterface && !regexp.MustCompile(`\[[~*]\w+`+prompt+`\]`).MatchString(seen) {
			t.Errorf("no transcript shows the view %s, prompt %s", kind, prompt)
		}
	}
}

var integerRange = regexp.MustCompile(`^(\d+)\.\.(\d+)$`)

// TestEveryRangeIsTold types, for each integer of each command, a value just below and
// one just above its range. The caret must point at the value, and the error must give
// the range.
func TestEveryRangeIsTold(t *testing.T) {
	for _, c := range allCommands() {
		for seed := range uint64(20) {
			for which := 0; outside(t, c, seed, which, false) && outside(t, c, seed, which, true); which++ {
			}
		}
	}
}

// outside returns a line in which one integer is outside its range; false if the command
// has no such integer.
func outside(t *testing.T, c command.Command[*Session], seed uint64, which int, above bool) bool {
	t.Helper()
	const mark = "\x01"
	bounds, wrong := "", uint64(0)
	line := sampleLineWith(t, c, seed, func(typ command.Type, word string) string {
		m := integerRange.FindStringSubmatch(typ.Name)
		if which--; m == nil || which != -1 {
			if m == nil {
				which++
			}
			return word
		}
		end := 1
		if above {
			end = 2
		}
		bounds = typ.Name
		wrong, _ = strconv.ParseUint(m[end], 10, 64)
		if wrong++; !above {
			wrong -= 2
		}
		return mark + strconv.FormatUint(wrong, 10)
	})
	line = strings.ReplaceAll(line, "\t", " ")
	at := strings.Index(line, mark)
	if at < 0 || wrong == math.MaxUint64 { // no integer is below 0
		return bounds != ""
	}
	line = strings.Replace(line, mark, "", 1)
	_, err := table().Match(c.Views[:1], line)
	var parse *command.Error
	if !errors.As(err, &parse) || parse.Kind != command.WrongParameter || parse.Pos != at || !strings.Contains(parse.Detail, "is outside "+bounds) {
		t.Errorf("%q: %v, want the caret at %d and the range %s", line, err, at, bounds)
	}
	return true
}
