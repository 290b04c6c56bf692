package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNames: no two events have the same name, and a field name always has the same
// meaning.
func TestNames(t *testing.T) {
	seen := make(map[string]bool)
	for _, k := range Kinds() {
		if name := k.Module + "/" + k.Name; seen[name] || k.Text == "" {
			t.Errorf("%s is declared twice, or says nothing", name)
		} else {
			seen[name] = true
		}
		if fields := slices.Sorted(slices.Values(k.Fields)); len(slices.Compact(fields)) != len(k.Fields) {
			t.Errorf("%s has a field twice", k.Name)
		}
	}
	for _, a := range AlarmKinds() {
		if seen[a.Name] || a.Text == "" {
			t.Errorf("alarm %s is declared twice, or says nothing", a.Name)
		}
		seen[a.Name] = true
	}
}

// TestEveryCall reads the source of the program: each event has a value for each of its
// fields, and nothing is logged in another way.
func TestEveryCall(t *testing.T) {
	declared, made := declarations(t), make(map[string]bool)
	everyFile(t, func(file string, tree *ast.File) {
		ast.Inspect(tree, func(n ast.Node) bool {
			if name, ok := n.(*ast.SelectorExpr); ok {
				made[kindOf(name)] = true
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := method.X.(*ast.Ident); ok && (x.Name == "slog" || x.Name == "log") && slices.Contains(printers, method.Sel.Name) {
				t.Errorf("%s: %s.%s is no event of package event", file, x.Name, method.Sel.Name)
			}
			if name := kindOf(method); name != "" && method.Sel.Name == "With" {
				if fields, known := declared[name]; known && len(call.Args) != fields {
					t.Errorf("%s: %s has %d fields, not %d", file, name, fields, len(call.Args))
				}
			}
			return true
		})
	})
	for name := range declared {
		if !made[name] {
			t.Errorf("nothing tells of %s", name)
		}
	}
}

var printers = []string{"Debug", "Info", "Warn", "Error", "Log", "Print", "Printf", "Println", "Fatal", "Fatalf"}

// kindOf returns the name of the kind in event.NAME.With, event.NAME and, within this
// package, NAME.With.
func kindOf(method *ast.SelectorExpr) string {
	switch x := method.X.(type) {
	case *ast.SelectorExpr:
		if pkg, ok := x.X.(*ast.Ident); ok && pkg.Name == "event" {
			return x.Sel.Name
		}
	case *ast.Ident:
		if x.Name == "event" {
			return method.Sel.Name
		}
		return x.Name
	}
	return ""
}

// declarations returns the number of fields of each variable in kinds.go.
func declarations(t *testing.T) map[string]int {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), "kinds.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := make(map[string]int)
	ast.Inspect(tree, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			fields := v.Values[0].(*ast.CallExpr).Args[3].(*ast.BasicLit).Value
			declared[v.Names[0].Name] = len(strings.Fields(strings.Trim(fields, `"`)))
		}
		return true
	})
	return declared
}

// everyFile parses the program's own files.
func everyFile(t *testing.T, do func(file string, tree *ast.File)) {
	t.Helper()
	for _, root := range []string{"../../internal", "../../cmd/tandemd"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			tree, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err == nil {
				do(path, tree)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestFacts(t *testing.T) {
	e := DutyChange.With(1, 10, "sole", "peer is lost")
	if got, want := e.Facts(), `ETrunkId=1, MemberId=10, Duty=sole, Reason="peer is lost"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestBook(t *testing.T) {
	b := NewBook(3)
	if len(b.Recent(5)) != 0 {
		t.Error("an empty book has entries")
	}
	for i := range 5 {
		b.Note(Entry{Event: GateRepaired.With(i)})
		last := b.Recent(1)
		if len(last) != 1 || last[0].Number != uint64(i+1) || last[0].Values[0] != i {
			t.Fatalf("after %d: %+v", i+1, last)
		}
	}
	all := b.Recent(100)
	if len(all) != 3 || all[2].Number != 3 || b.Overwritten != 2 {
		t.Errorf("%d entries, the oldest %d, %d overwritten", len(all), all[2].Number, b.Overwritten)
	}
	b.Reset()
	b.Note(Entry{Event: GateRepaired.With(5)})
	if all = b.Recent(3); len(all) != 1 || all[0].Number != 6 {
		t.Errorf("after a reset: %+v", all)
	}
}

// TestAlarms: each alarm is reported once when it begins and once when it ends.
func TestAlarms(t *testing.T) {
	var a Alarms
	now := time.Unix(1000, 0)
	lost := Condition{PeerLost, "ETrunkId=1", "TIMEOUT"}
	down := Condition{UpstreamDown, "up0", ""}
	expect := func(conditions []Condition, told ...string) {
		t.Helper()
		now = now.Add(time.Second)
		var got []string
		for _, e := range a.Update(now, conditions) {
			got = append(got, e.Name+" "+e.Facts())
		}
		if !slices.Equal(got, told) {
			t.Errorf("told %q, want %q", got, told)
		}
	}
	expect(nil)
	expect([]Condition{lost}, "ALARM_RAISED Alarm=ETRUNK_PEER_LOST, AlarmSeverity=Major, Object=\"ETrunkId=1\", Detail=TIMEOUT")
	lost.Detail = "BFD_DOWN"
	expect([]Condition{lost})
	other := lost
	other.Object = "ETrunkId=2"
	expect([]Condition{lost, other, down},
		"ALARM_RAISED Alarm=ETRUNK_PEER_LOST, AlarmSeverity=Major, Object=\"ETrunkId=2\", Detail=BFD_DOWN",
		"ALARM_RAISED Alarm=UPSTREAM_DOWN, AlarmSeverity=Critical, Object=up0, Detail=")
	active := a.Active()
	if len(active) != 3 || active[0].Name != "UPSTREAM_DOWN" || active[1].Object != "ETrunkId=2" || active[2].Detail != "BFD_DOWN" {
		t.Errorf("active: %+v", active)
	}
	expect([]Condition{other, down}, "ALARM_CLEARED Alarm=ETRUNK_PEER_LOST, Object=\"ETrunkId=1\", Lasted=3s")
	expect([]Condition{lost, other, down}, "ALARM_RAISED Alarm=ETRUNK_PEER_LOST, AlarmSeverity=Major, Object=\"ETrunkId=1\", Detail=BFD_DOWN")
}
