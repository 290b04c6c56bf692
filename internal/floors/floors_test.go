// Package floors keeps the house's floors: which package may import which. See
// ARCHITECTURE.md.
package floors

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed lists, for each package or tree of packages, the packages of this module that
// it may import. A package without an entry fails the test.
var allowed = map[string][]string{
	"instant":             {},
	"proof":               {"instant"},
	"table":               {},
	"mld":                 {"table", "instant"},
	"rbs":                 {"instant", "latency"},
	"etrunk":              {"instant"},
	"bfd":                 {"instant"},
	"pim":                 {"table", "instant"},
	"command":             {},
	"linux/netns":         {},
	"linux/socket":        {},
	"linux/clock":         {},
	"linux/netlink":       {"linux/socket"},
	"linux/links":         {"linux/netlink"},
	"linux/mroute":        {"linux/netlink", "linux/socket"},
	"linux/gate":          {"linux/netlink"},
	"linux/arrivals":      {},
	"linux/packet":        {"linux/socket", "linux/netlink"},
	"linux/udp":           {"linux/socket"},
	"linux/pimio":         {"linux/socket"},
	"linux/ping":          {"echo"},
	"linux/caps":          {},
	"linux/sched":         {},
	"linux/inherit":       {},
	"cutter":              {},                                              // for tests
	"linux/testnet":       {"linux/netns", "linux/netlink", "linux/links"}, // for the adapters\' tests
	"pki":                 {},
	"crowd":               {},
	"trunkguard":          {"linux/links"},
	"event":               {},
	"latency":             {},
	"echo":                {},
	"journal":             {"event"},
	"device":              {"mld", "rbs", "etrunk", "table", "instant", "event", "latency", "proof"},
	"state":               {"instant", "device", "mld", "rbs", "etrunk", "bfd", "event", "latency", "proof"},
	"status":              {"state", "etrunk", "event"},
	"metrics":             {"state", "device", "mld", "rbs", "etrunk", "bfd", "event", "latency"},
	"config":              {"command", "mld", "rbs", "etrunk", "bfd"},
	"peers":               {},
	"task":                {},
	"sim":                 {"instant", "device", "mld", "rbs", "etrunk", "proof"},
	"sim/mutations":       {}, // tests only
	"daemon/eventloop":    {},
	"daemon/bfdsession":   {"daemon/bfdloop", "daemon/eventloop", "config", "device", "state", "bfd", "etrunk", "event"},
	"daemon/settings":     {"daemon/multicast", "fib", "bfd", "daemon/channel", "daemon/hello", "daemon/netif", "config", "device", "etrunk", "mld", "pki", "rbs"},
	"daemon/identity":     {"config", "pki"},
	"daemon/hello":        {"daemon/eventloop", "task", "device", "etrunk", "event", "linux/inherit", "linux/udp"},
	"daemon/channel":      {"daemon/eventloop", "task", "device", "rbs", "event", "pki"},
	"daemon/bfdloop":      {"instant", "bfd", "task", "linux/clock", "linux/sched", "linux/udp"},
	"daemon/netif":        {"config", "device", "state", "event", "trunkguard", "proof", "linux/links"},
	"daemon/multicast":    {"daemon/eventloop", "daemon/mldio", "daemon/netif", "fib", "fib/kernel", "fib/ebpf", "task", "device", "state", "event", "latency", "linux/inherit", "proof"},
	"daemon/mldio":        {"device", "mld", "event", "task", "linux/packet", "linux/inherit"},
	"fib":                 {"device", "event", "linux/inherit"},
	"fib/fibtest":         {"fib", "device", "etrunk", "event", "linux/*"}, // for the planes' tests
	"fib/kernel":          {"fib", "device", "etrunk", "event", "proof", "instant", "task", "linux/mroute", "linux/gate", "linux/arrivals", "linux/clock", "linux/inherit"},
	"fib/ebpf":            {"fib", "device", "etrunk", "event", "proof", "instant", "task", "linux/mroute", "linux/links", "linux/clock", "linux/inherit"},
	"tape":                {"instant", "device", "mld", "rbs", "etrunk", "event"},
	"daemon":              {"instant", "device", "state", "echo", "tape", "config", "mld", "rbs", "etrunk", "bfd", "daemon/*", "task", "pki", "event", "journal", "latency", "status", "linux/*", "proof"},
	"console":             {"command", "config", "device", "state", "echo", "event", "mld", "rbs", "etrunk", "bfd"},
	"manage":              {"console", "command", "config", "event", "journal", "task"},
	"manage/terminal":     {"command", "manage"},
	"manage/sshd":         {"manage", "crowd", "manage/terminal", "console", "state", "command", "config", "event", "journal"},
	"web":                 {"task", "crowd", "config", "state", "mld", "etrunk", "event", "journal", "status"},
	"vm":                  {},
	"probe":               {"manage"},                           // used by tests, and by the lab
	"lab":                 {"probe", "linux/*", "vm", "etrunk"}, // etrunk says which device sends a stream
	"bench":               {"probe", "mld", "etrunk", "linux/*"},
	"pairtest":            {"manage", "pki", "linux/*"}, // tests only
	"cmd/tandem":          {"tape", "config", "console", "pki", "manage", "manage/terminal", "trunkguard", "command"},
	"cmd/tandem-lab":      {"lab", "bench"},
	"cmd/tandemd":         {"config", "console", "daemon", "daemon/bfdloop", "daemon/identity", "event", "journal", "linux/caps", "linux/inherit", "linux/sched", "manage", "manage/sshd", "metrics", "task", "web"},
	"golden":              {}, // tests only
	"resumetest":          {}, // tests only
	"manpage":             {}, // tests only
	"floors":              {},
	"tools/tiers":         {},
	"console/consoletest": {"*"},
}

// impure lists packages that no core may import: the standard library's access to the
// outside world.
var impure = []string{"os", "net", "net/http", "sync", "log", "log/slog", "context", "syscall", "runtime", "io/ioutil", "golang.org/x/sys/unix"}

var cores = []string{"instant", "table", "proof", "mld", "rbs", "etrunk", "bfd", "pim", "device", "event", "latency", "echo", "state"}

// apart lists packages that a program must not contain, not even through other packages.
// The operator's program contains neither the daemon nor the lab, and the lab runs the
// real programs instead of containing their packages.
var apart = map[string][]string{
	"cmd/tandem":     {"daemon*", "lab", "bench", "vm", "sim*"},
	"cmd/tandemd":    {"lab", "bench", "vm", "sim*"},
	"cmd/tandem-lab": {"daemon*", "sim*"},
}

type goPackage struct {
	ImportPath, Dir  string
	Imports, GoFiles []string
	Deps             []string // all imported packages, direct or indirect
}

func TestNoArrowRunsUp(t *testing.T) {
	for _, pkg := range ours(t) {
		name := short(pkg.ImportPath)
		may, known := allowed[name]
		if !known {
			t.Errorf("%s stands on no floor: add it to the table and to ARCHITECTURE.md", name)
			continue
		}
		for _, imported := range pkg.Imports {
			if strings.HasPrefix(imported, "tandem/") && !oneOf(may, short(imported)) {
				t.Errorf("%s imports %s, which is not below it", name, short(imported))
			}
		}
	}
}

func TestCoresArePure(t *testing.T) {
	for _, pkg := range ours(t) {
		if !slices.Contains(cores, short(pkg.ImportPath)) {
			continue
		}
		for _, imported := range pkg.Imports {
			if slices.Contains(impure, imported) {
				t.Errorf("core %s imports %s", short(pkg.ImportPath), imported)
			}
		}
	}
}

func TestProgramsAreApart(t *testing.T) {
	found := 0
	for _, pkg := range ours(t) {
		without, isProgram := apart[short(pkg.ImportPath)]
		if isProgram {
			found++
		}
		for _, dep := range pkg.Deps {
			if strings.HasPrefix(dep, "tandem/") && oneOf(without, short(dep)) {
				t.Errorf("%s has %s in it", short(pkg.ImportPath), short(dep))
			}
		}
	}
	if found != len(apart) {
		t.Errorf("%d of the %d programs are there", found, len(apart))
	}
}

// inGroups lists the packages that start all their goroutines by package task, so that
// each goroutine is waited for.
var inGroups = []string{"daemon", "daemon/*", "fib/kernel", "fib/ebpf", "cmd/tandemd"}

func TestGoroutinesStartInOnePlace(t *testing.T) {
	for _, pkg := range ours(t) {
		if !oneOf(inGroups, short(pkg.ImportPath)) {
			continue
		}
		fset := token.NewFileSet()
		for _, name := range pkg.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(pkg.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if statement, is := n.(*ast.GoStmt); is {
					t.Errorf("%s: a goroutine that no task.Group starts", fset.Position(statement.Pos()))
				}
				return true
			})
		}
	}
}

// oneOf reports whether a package is in a list of packages and, with a *, of trees of
// packages.
func oneOf(list []string, name string) bool {
	return slices.ContainsFunc(list, func(m string) bool {
		tree, isTree := strings.CutSuffix(m, "*")
		return m == name || isTree && strings.HasPrefix(name, tree)
	})
}

func short(path string) string {
	if inner, ok := strings.CutPrefix(path, "tandem/internal/"); ok {
		return inner
	}
	return strings.TrimPrefix(path, "tandem/")
}

func ours(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles,Deps", "tandem/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
