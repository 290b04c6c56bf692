package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tandem/internal/command"
	"tandem/internal/golden"
)

const schemaFile = "../../docs/json.md"

// TestSchema: docs/json.md lists exactly the fields that the displays print, so that no
// field changes its name or type unnoticed.
func TestSchema(t *testing.T) {
	var page strings.Builder
	page.WriteString(schemaHead)
	for _, c := range allCommands() {
		shown, ok := strings.CutPrefix(c.Syntax, displayWord+" ")
		if !ok {
			continue
		}
		fmt.Fprintf(&page, "\n## `%s`\n\n", c.Syntax)
		if isText(c) {
			page.WriteString("| field | type |\n|---|---|\n| `lines[]` | string |\n")
			continue
		}
		schema := newSchema()
		for _, s := range samplesOf(shown) {
			schema.object("", s.Facts.(*object))
		}
		if len(schema.order) == 0 {
			t.Errorf("%q is shown by no sample of display_test.go", c.Syntax)
		}
		page.WriteString(schema.table(t))
	}
	golden.Check(t, schemaFile, page.String())
}

const schemaHead = `# JSON

What every display prints behind ` + "`| json`" + `, made from the displays of the tests; do not edit by hand
(go test ./internal/console -update).

A field has the same name in every display. Package internal/state declares it once, and the names of the metrics with it.
A name is words in lower case, joined by dashes. It follows VRP's label where that is made of words; where the label is an abbreviation, the name has
the words (RecDrop is ` + "`receive-dropped`" + `, ActorPortName ` + "`port-name`" + `, CommitId ` + "`commit-id`" + `).

` + "`a[].b`" + ` is a field of the objects in list a. A field that is not set is null; lists are never null. Times are RFC 3339. Durations are
seconds, unless the name ends in us, ms, 100ms, s or min: then they are whole numbers of that unit. Fields marked optional are in some forms of
the display only. A field keeps its name and its type; new ones may come.
`

// isText reports whether a display prints lines of text.
func isText(c command.Command[*Session]) bool {
	for _, words := range []string{"current-configuration", "saved-configuration", "configuration candidate", "configuration commit changes", "history-command", "this", diagnosticInformation} {
		if strings.HasPrefix(c.Syntax, displayWord+" "+words) {
			return true
		}
	}
	return false
}

// samplesOf returns the samples of a display: those with the longest matching leading
// words.
func samplesOf(syntax string) (found []sample) {
	longest := ""
	for _, s := range samples() {
		if (syntax == s.command || strings.HasPrefix(syntax, s.command+" ")) && len(s.command) > len(longest) {
			longest = s.command
		}
	}
	return slices.DeleteFunc(samples(), func(s sample) bool { return s.command != longest })
}

// schema collects the fields of JSON objects.
type schema struct {
	order  []string // paths in the order in which they occurred
	types  map[string][]string
	seen   map[string]int // number of objects that had the path
	within map[string]int // number of objects that could have had it, by the path of the object
}

func newSchema() *schema {
	return &schema{types: map[string][]string{}, seen: map[string]int{}, within: map[string]int{}}
}

func (s *schema) object(path string, o *object) {
	s.within[path]++
	for _, m := range o.members {
		s.value(strings.TrimPrefix(path+"."+m.key, "."), m.value)
	}
}

func (s *schema) value(path string, v any) {
	if _, known := s.types[path]; !known {
		s.order, s.types[path] = append(s.order, path), nil
	}
	s.seen[path]++
	switch v := v.(type) {
	case *object:
		s.object(path, v)
	case []*object:
		for _, o := range v {
			s.object(path+"[]", o)
		}
		s.add(path, "list")
	default:
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		s.add(path, jsonType(b))
	}
}

func (s *schema) add(path, typ string) {
	if !slices.Contains(s.types[path], typ) {
		s.types[path] = append(s.types[path], typ)
	}
}

func jsonType(b []byte) string {
	switch {
	case b[0] == '"':
		return "string"
	case b[0] == 't' || b[0] == 'f':
		return "boolean"
	case b[0] == 'n':
		return "null"
	case bytes.HasPrefix(b, []byte(`["`)):
		return "list of strings"
	case b[0] == '[':
		return "list"
	}
	return "number"
}

// table prints the fields whose value is no object and no list of objects.
func (s *schema) table(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| field | type |\n|---|---|\n")
	for _, path := range s.order {
		types := slices.DeleteFunc(slices.Clone(s.types[path]), func(typ string) bool { return typ == "null" || typ == "list" })
		if len(types) > 1 {
			t.Errorf("%s is %v", path, types)
		}
		if len(types) == 0 {
			if slices.Contains(s.types[path], "null") {
				types = []string{"always null"}
			} else if s.within[path] == 0 && s.within[path+"[]"] == 0 {
				t.Errorf("%s is empty in every sample: what does it hold?", path)
			}
		}
		if len(types) == 0 {
			continue // its fields follow
		}
		typ := types[0]
		if len(s.types[path]) > 1 && slices.Contains(s.types[path], "null") {
			typ += " or null"
		}
		parent := path[:max(strings.LastIndexByte(path, '.'), 0)]
		if s.seen[path] < s.within[parent] {
			typ += ", optional"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", path, typ)
	}
	return b.String()
}
