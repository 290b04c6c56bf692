package command

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorder is a session that records the command that was run.
type recorder struct{ ran string }

func ran(what string, parameters ...string) func(*recorder, Args) error {
	return func(r *recorder, a Args) error {
		r.ran = what
		for _, p := range parameters {
			if a.Has(p) {
				r.ran += fmt.Sprintf(" %s=%v", p, Get[any](a, p))
			}
		}
		return nil
	}
}

func testTable(t testing.TB) *Table[*recorder] {
	t.Helper()
	pair := Type{Name: "pair", Show: "PAIR", Parse: func(w []string) (any, int, error) {
		if len(w) < 2 {
			return nil, 0, ErrIncomplete
		}
		return w[0] + "+" + w[1], 2, nil
	}}
	table, err := New(Vocabulary{
		Types: map[string]Type{"pair": pair},
		Help:  map[string]string{"display": "Show", "<id>": "Number"},
	}, []Command[*recorder]{
		{Views: []string{"system"}, Syntax: "e-trunk <id:1..64>", Help: "open", Run: ran("open", "id")},
		{Views: []string{"system"}, Syntax: "e-trunk ipv6 port <port:1025..65535>", Help: "port", Run: ran("port", "port")},
		{Views: []string{"trunk"}, Syntax: "peer-ipv6 <peer:ipv6> source-ipv6 <source:ipv6> [ port <port:1025..65535> ]", Help: "peer", Run: ran("peer", "peer", "source", "port")},
		{Views: []string{"trunk"}, Syntax: "priority <priority:1..254>", Help: "priority", Run: ran("priority", "priority")},
		{Views: []string{"trunk"}, Syntax: "mode { auto | force-master | force-backup }", Help: "mode", Run: ran("mode", "auto", "force-master", "force-backup")},
		{Views: []string{"trunk"}, Syntax: "description <text:line(1..20)>", Help: "description", Run: ran("description", "text")},
		{Views: []string{"trunk"}, Syntax: "join <pair> [ now ]", Help: "join", Run: ran("join", "pair", "now")},
		{Views: []string{"trunk"}, Syntax: "name <name:string(1..8)>", Help: "name", Run: ran("name", "name")},
		{Views: []string{"trunk"}, Syntax: "show", Help: "show", Run: ran("show")},
		{Views: []string{"trunk"}, Syntax: "show-all", Help: "all", Run: ran("show-all")},
		{Views: []string{"any"}, Syntax: "display e-trunk [ <id:1..64> [ verbose ] ]", Help: "one", Run: ran("display", "id", "verbose")},
		{Views: []string{"any"}, Syntax: "knock [ -c <count:1..9> | -i <interface:string> | now ] * <host:ipv6>", Help: "knock",
			Run: ran("knock", "-c", "count", "interface", "now", "host")},
		{Views: []string{"any"}, Syntax: "display version", Help: "version", Run: ran("version")},
		{Views: []string{"any"}, Syntax: "quit", Help: "leave", Run: ran("quit")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestMatch(t *testing.T) {
	table := testTable(t)
	for line, want := range map[string]string{
		"e-trunk 1":                    "open id=1",
		"E-TR 64":                      "open id=64",
		"e-trunk ip po 1025":           "port port=1025",
		"priority 10":                  "priority priority=10",
		"pr 10":                        "priority priority=10",
		"pe 2001:db8::1 s 2001:db8::2": "peer peer=2001:db8::1 source=2001:db8::2",
		"peer-ipv6 ::1 source-ipv6 ::2 port 7000": "peer peer=::1 source=::2 port=7000",
		"mode force-m":            "mode force-master=<nil>",
		"  desc  two  words ":     "description text=two  words",
		"join a b":                "join pair=a+b",
		"join a b n":              "join pair=a+b now=<nil>",
		`name "a b"`:              "name name=a b",
		"show":                    "show", // an exact match, not an abbreviation of show-all
		"show-":                   "show-all",
		"dis e":                   "display",
		"dis e 3 v":               "display id=3 verbose=<nil>",
		"q":                       "quit",
		"knock ::1":               "knock host=::1",
		"knock now -i a -c 3 ::1": "knock -c=<nil> count=3 interface=a now=<nil> host=::1",
	} {
		m, err := table.Match([]string{"trunk", "system", "any"}, line)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		var r recorder
		if err := m.Run(&r); err != nil || r.ran != want {
			t.Errorf("%q ran %q, %v; want %q", line, r.ran, err, want)
		}
	}
}

func TestErrors(t *testing.T) {
	table := testTable(t)
	for _, c := range []struct {
		line string
		kind Kind
		pos  int
		want string // part of the error's Detail
	}{
		{"", Incomplete, 0, ""},
		{"frob", Unrecognized, 0, ""},
		{"p 1", Ambiguous, 0, ""}, // peer-ipv6, priority
		{"display frob", Unrecognized, 8, ""},
		{"display", Incomplete, 7, ""},
		{"peer-ipv6 ::1 source-ipv6", Incomplete, 25, ""},
		{"mode force", Ambiguous, 5, ""},
		{"mode up", Unrecognized, 5, ""},
		{"priority", Incomplete, 8, ""},
		{"priority 300", WrongParameter, 9, "priority: 300 is outside 1..254"},
		{"priority x", WrongParameter, 9, `"x" is not a number in 1..254`},
		{"priority 99999999999999999999", WrongParameter, 9, "outside 1..254"},
		{"peer-ipv6 10.0.0.1", WrongParameter, 10, "not an IPv6 address"},
		{"peer-ipv6 fe80::1%eth0", WrongParameter, 10, "not an IPv6 address"},
		{"priority 3 4", TooMany, 11, ""},
		{"e-trunk 1 2", TooMany, 10, ""},
		{"join a", Incomplete, 6, ""},
		{"join a b c", Unrecognized, 9, ""},
		{"knock -c 3 -c 4 ::1", WrongParameter, 11, "not an IPv6 address"},
		{"knock -c 3", Incomplete, 10, ""},
		{`name "a`, WrongParameter, 5, "closing quote"},
		{"name ninechars", WrongParameter, 5, "9 characters, not 1..8"},
		{`"show"`, Unrecognized, 0, ""}, // a quoted word is no keyword
		{"name " + strings.Repeat("x", maxLine), WrongParameter, maxLine, "4096"},
	} {
		_, err := table.Match([]string{"trunk", "system", "any", "empty"}, c.line)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: error %v, want an *Error", c.line, err)
			continue
		}
		if e.Kind != c.kind || e.Pos != c.pos || !strings.Contains(e.Detail, c.want) {
			t.Errorf("%q: %v at %d (%s), want %v at %d (%s)", c.line, e.Kind, e.Pos, e.Detail, c.kind, c.pos, c.want)
		}
	}
}

func TestInnerViewHidesOuter(t *testing.T) {
	command := func(view, syntax, what string) Command[*recorder] {
		return Command[*recorder]{Views: []string{view}, Syntax: syntax, Run: ran(what)}
	}
	table, err := New(Vocabulary{}, []Command[*recorder]{
		command("inner", "e-trunk <id:1..64>", "join"),
		command("inner", "bfd enable", "inner bfd"),
		command("outer", "e-trunk <id:1..64>", "open"),
		command("outer", "bfd", "outer bfd"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{"e-trunk 1": "join", "bfd": "outer bfd", "bfd e": "inner bfd"} {
		m, err := table.Match([]string{"inner", "outer"}, line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		var r recorder
		if _ = m.Run(&r); r.ran != want {
			t.Errorf("%q ran %q, want %q", line, r.ran, want)
		}
	}
}

func TestRender(t *testing.T) {
	line := "e-trunk ipv6 port 80"
	_, err := testTable(t).Match([]string{"system"}, line)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	want := strings.Repeat(" ", 22) + "^\nError: Wrong parameter found at '^' position. (port: 80 is outside 1025..65535)"
	if got := e.Render(line, 4); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestComplete(t *testing.T) {
	table := testTable(t)
	views := []string{"trunk", "system", "any"}
	for line, want := range map[string][]string{
		"e":               {"e-trunk"},
		"e-trunk ":        {"ipv6", "INTEGER<1-64>"},
		"e-trunk i":       {"ipv6", "INTEGER<1-64>"},
		"display ":        {"e-trunk", "version"},
		"display v":       {"version"},
		"dis e-trunk ":    {"INTEGER<1-64>", Return},
		"dis e-trunk 1 ":  {"verbose", Return},
		"mode ":           {"auto", "force-backup", "force-master"},
		"mode f":          {"force-backup", "force-master"},
		"peer ::1 ":       {"source-ipv6"},
		"join ":           {"PAIR"},
		"join a ":         {"PAIR"},
		"s":               {"show", "show-all"},
		"quit ":           {Return},
		"knock ":          {"-c", "-i", "now", "X:X::X:X"},
		"knock now -c 3 ": {"-i", "X:X::X:X"},
	} {
		candidates, err := table.Complete(views, line)
		var got []string
		for _, c := range candidates {
			got = append(got, c.Word)
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", line, err, diff)
		}
	}
	candidates, _ := table.Complete(views, "")
	if !slices.ContainsFunc(candidates, func(c Candidate) bool { return c.Word == "display" && c.Help == "Show" && c.Keyword }) {
		t.Errorf("display is not among %v", candidates)
	}
	for line, kind := range map[string]Kind{"frob ": Unrecognized, "p ": Ambiguous, "priority 300 ": WrongParameter, "frob": Unrecognized} {
		_, err := table.Complete(views, line)
		var e *Error
		if !errors.As(err, &e) || e.Kind != kind {
			t.Errorf("%q: %v, want %v", line, err, kind)
		}
	}
}

func TestExpand(t *testing.T) {
	table := testTable(t)
	for line, want := range map[string]string{
		"dis":        "display ",
		"dis v":      "dis version ",
		"mode f":     "mode force-",
		"mode au":    "mode auto ",
		"mode ":      "mode ",
		"s":          "show",
		"frob":       "frob",
		"e-trunk ":   "e-trunk ",
		"priority 1": "priority 1",
		`name "a`:    `name "a`,
	} {
		if got := table.Expand([]string{"trunk", "system", "any"}, line); got != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
}

func TestGrammarErrors(t *testing.T) {
	for _, syntax := range []string{"", "[ a ]", "{ a | b", "a ]", "<x:nothing>", "a <", "a <b", "a <x:9..y>", "{ a | }", "a [ <x:1..2> | b ] *"} {
		_, err := New(Vocabulary{}, []Command[*recorder]{{Views: []string{"v"}, Syntax: syntax}})
		if err == nil {
			t.Errorf("%q compiles", syntax)
		}
	}
}

func TestArgsTypes(t *testing.T) {
	table, err := New(Vocabulary{}, []Command[*recorder]{
		{Views: []string{"v"}, Syntax: "all <n:1..5> <s:string> <a:ipv6> <p:prefix> <m:mac> [ <o:1..5> ]"}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := table.Match([]string{"v"}, "all 5 word 2001:db8::1 2001:db8::1/64 00e0-fc12-3456")
	if err != nil {
		t.Fatal(err)
	}
	a := m.Args
	if a.Uint("n") != 5 || a.String("s") != "word" || a.Addr("a") != netip.MustParseAddr("2001:db8::1") ||
		Get[netip.Prefix](a, "p") != netip.MustParsePrefix("2001:db8::1/64") ||
		Get[[6]byte](a, "m") != [6]byte{0, 0xe0, 0xfc, 0x12, 0x34, 0x56} || a.Has("o") || a.Uint("o") != 0 {
		t.Errorf("arguments %v", a)
	}
	for mac, ok := range map[string]bool{"00:e0:fc:12:34:56": true, "00-e0-fc-12-34-56": true, "00e0.fc12.3456": true, "00e0-fc12": false, "x": false} {
		if _, err := ParseMAC(mac); (err == nil) != ok {
			t.Errorf("MAC %q: %v", mac, err)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, s := range []string{"a", "a b", "", "é x"} {
		words, err := split(Quote(s))
		if err != nil || len(words) != 1 || words[0].text != s {
			t.Errorf("%q is read back as %v, %v", s, words, err)
		}
	}
}

// FuzzLine: no line makes the engine panic, each completion that is offered for a line is
// accepted in its place, and positions are within the line.
func FuzzLine(f *testing.F) {
	for _, line := range []string{"e-trunk 1", "dis e 3 v", `name "a b`, "join a b now", "peer-ipv6 ::1 ", "\xff\u00a0 mode"} {
		f.Add(line)
	}
	table := testTable(f)
	views := []string{"trunk", "system", "any"}
	f.Fuzz(func(t *testing.T, line string) {
		_, err := table.Match(views, line)
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Pos < 0 || e.Pos > len(line)) {
			t.Fatalf("%q: %#v", line, err)
		}
		candidates, err := table.Complete(views, line)
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%q: %v", line, err)
		}
		_, partial, _ := splitPartial(line)
		for _, c := range candidates {
			if !c.Keyword {
				continue
			}
			whole := line[:len(line)-len(partial)] + c.Word
			if _, err := table.Complete(views, whole+" "); err != nil && len(whole) < maxLine {
				t.Fatalf("%q is offered and then refused: %v", whole, err)
			}
		}
		table.Expand(views, line)
	})
}

func TestShownHidesSecrets(t *testing.T) {
	secret := OneWord("secret", "STRING", func(s string) (string, error) { return s, nil })
	secret.Secret = true
	table, err := New(Vocabulary{Types: map[string]Type{"secret": secret}}, []Command[int]{
		{Views: []string{"v"}, Syntax: "key <first:secret> [ then <second:secret> ] [ text <t:line> ]"}})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"  key  a ":                  "  key  ****** ",
		`k "a b" then b`:             "k ****** then ******",
		"key text then b text a  b ": "key ****** then ****** text a  b ",
	} {
		m, err := table.Match([]string{"v"}, line)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Shown(line); got != want {
			t.Errorf("%q is shown as %q", line, got)
		}
	}
}
