package metrics

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"tandem/internal/bfd"
	"tandem/internal/event"
	"tandem/internal/golden"
	"tandem/internal/journal"
	"tandem/internal/mld"
	"tandem/internal/rbs"
	"tandem/internal/state"
)

// numbered is a device in which every counter has a different value.
type numbered struct {
	snapshot   state.Device
	interfaces []state.Interface
	sessions   []state.BFDSession
	statistics state.BFDStatistics
	values     map[uint64]string // path of the counter with each value
}

func newNumbered() *numbered {
	n := &numbered{values: make(map[uint64]string)}
	s := &n.snapshot
	s.ETrunks = []state.ETrunk{{ID: 1, Paths: make([]state.Path, 1), Members: []state.Member{{ID: 10}},
		Proofs: []state.Proof{{Object: "Eth-Trunk10", Kind: "able", Proven: true}}}}
	s.Services = []state.Service{{Name: "rbs1", TCP: rbs.Connected}}
	s.Services[0].Lags.Observe(2e6, 5)
	s.Joins.Observe(2e4, 7)
	s.Profiles = []state.Profile{{Name: "rbp1"}}
	s.Upstream, s.Downstream = &state.Upstream{Name: "up0", Up: true}, []state.Downstream{{Name: "Eth-Trunk10"}}
	s.Ignored = state.Ignored{HelloUnknown: 3}
	n.interfaces = []state.Interface{{Name: "Eth-Trunk10"}}
	n.sessions = []state.BFDSession{{Name: "core", State: bfd.Up}}
	n.fill("etrunk", &s.ETrunks[0].Counters)
	n.fill("path", &s.ETrunks[0].Paths[0].Counters)
	n.fill("rbs", &s.Services[0].Counters)
	n.fill("mld", &s.Downstream[0].Counters)
	n.fill("gate", &s.Gate)
	n.fill("forwarding", &s.Forwarding)
	n.fill("socket", &s.Socket)
	n.fill("in", &n.interfaces[0].In)
	n.fill("out", &n.interfaces[0].Out)
	n.fill("bfd", &n.statistics)
	return n
}

// fill gives every counter of a struct the next value.
func (n *numbered) fill(path string, of any) { n.fillValue(path, reflect.ValueOf(of).Elem()) }

func (n *numbered) fillValue(path string, v reflect.Value) {
	for i := range v.NumField() {
		switch f, name := v.Field(i), path+"."+v.Type().Field(i).Name; f.Kind() {
		case reflect.Struct:
			n.fillValue(name, f)
		case reflect.Uint64:
			if v.Type().Field(i).Tag.Get("metric") == "-" {
				continue
			}
			value := uint64(100_001 + len(n.values))
			f.SetUint(value)
			n.values[value] = name
		}
	}
}

func (n *numbered) Snapshot() state.Device             { return n.snapshot }
func (n *numbered) Interfaces() []state.Interface      { return n.interfaces }
func (n *numbered) BFD() []state.BFDSession            { return n.sessions }
func (n *numbered) BFDStatistics() state.BFDStatistics { return n.statistics }

// exposition returns the text that Prometheus gets.
func exposition(t *testing.T, d Device) string {
	t.Helper()
	j := journal.New(slog.DiscardHandler)
	j.Emit(event.GateRepaired.With(1))
	j.Update([]event.Condition{{AlarmKind: event.PeerLost, Object: "ETrunkId=1"}})
	answer := httptest.NewRecorder()
	Handler(d, j, state.Build{Version: "v1", Revision: "r", Go: "go"}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(answer.Result().Body)
	if err != nil || answer.Code != 200 {
		t.Fatalf("status %d, %v:\n%s", answer.Code, err, body)
	}
	return string(body)
}

// TestEveryCounter: each counter of a device is a sample, and each documented metric has
// a sample.
func TestEveryCounter(t *testing.T) {
	n := newNumbered()
	text := exposition(t, n)
	for value, name := range n.values {
		if !strings.Contains(text, fmt.Sprintf(" %d\n", value)) {
			t.Errorf("%s is no metric", name)
		}
	}
	for _, f := range families {
		if !strings.Contains(text, "\n# TYPE "+f.name+" ") {
			t.Errorf("%s has no sample", f.name)
		}
	}
	for _, sample := range []string{
		`tandem_rbs_replication_lag_seconds_bucket{service="rbs1",le="0.0025"} 5`,
		`tandem_rbs_replication_lag_seconds_bucket{service="rbs1",le="0.001"} 0`,
		`tandem_join_latency_seconds_count 7`,
		`tandem_alarms{alarm="ETRUNK_PEER_LOST",severity="Major"} 1`,
		`tandem_alarms{alarm="UPSTREAM_DOWN",severity="Critical"} 0`,
		`tandem_events_total{module="GATE",name="GATE_REPAIRED"} 1`,
		`tandem_bfd_session_state{session="core",state="Up"} 1`,
		`tandem_interface_up{interface="up0",side="upstream"} 1`,
		`tandem_device_ignored_total{what="hello_unknown"} 3`,
	} {
		if !strings.Contains(text, sample+"\n") {
			t.Errorf("no sample %s", sample)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestDeclared: package state declares the name of each metric, and no other place does.
func TestDeclared(t *testing.T) {
	declared := make(map[string]bool)
	declaredBy(declared, reflect.TypeFor[state.Measured](), "tandem_")
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (tandem_\w+) `).FindAllStringSubmatch(exposition(t, newNumbered()), -1) {
		if name := strings.TrimSuffix(m[1], "_total"); !declared[name] {
			t.Errorf("%s is a metric, but no field of package state declares it", m[1])
		}
	}
}

// declaredBy collects the metric names that the tags of a struct, and of the structs
// inside, declare.
func declaredBy(names map[string]bool, t reflect.Type, prefix string) {
	for f := range t.Fields() {
		tag, of := f.Tag.Get("metric"), behind(f.Type)
		switch {
		case tag == "-":
		case tag != "":
			names[prefix+tag] = true
		case prefix != "tandem_":
			names[prefix+strings.ReplaceAll(f.Tag.Get("name"), "-", "_")] = true
		}
		if tag != "-" && of.Kind() == reflect.Struct && f.Tag.Get("by") == "" {
			declaredBy(names, of, prefix+tag)
		}
	}
}

// TestLiveCounters: the metrics show the values that a router counts.
func TestLiveCounters(t *testing.T) {
	n := newNumbered()
	n.snapshot.Downstream[0].Counters = mld.Counters{}
	n.snapshot.Downstream[0].Drops.Count(mld.DropRouterAlert)
	if text := exposition(t, n); !strings.Contains(text, `tandem_mld_drops_total{cause="router_alert",interface="Eth-Trunk10"} 1`+"\n") {
		t.Error("the drop is not there")
	}
}

const (
	referenceFile = "../../docs/metrics.md"
	rulesFile     = "../../contrib/prometheus/tandem.rules.yml"
	dashboardFile = "../../contrib/grafana/tandem.json"
)

const referenceHead = `# Metrics

Made from the declarations of the metrics; do not edit by hand (go test ./internal/metrics -update).

` + "`/metrics` of the HTTP server (`display http server`)" + ` answers Prometheus. Counters begin anew with the daemon. A metric with a label
` + "`state`, `role` or `duty`" + ` has a series for each value, 1 for the one that holds. Packets of single streams are not here, for there may be
100,000 of them: ` + "`display multicast ipv6 forwarding-table`" + ` has them. Beside these there are the process_ and go_ metrics of the daemon's
process. Alert rules and a Grafana dashboard are in contrib/.

| metric | type | labels | what it is |
|---|---|---|---|
`

func reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, f := range families {
		kind := map[bool]string{true: "counter", false: "gauge"}[strings.HasSuffix(f.name, "_total")]
		if f.histogram {
			kind = "histogram"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.name, kind, strings.Join(f.labels, ", "), f.help)
	}
	return b.String()
}

// TestReference: the page of the metrics is the one that the declarations generate.
func TestReference(t *testing.T) {
	golden.Check(t, referenceFile, reference())
}

// TestContrib: the rules and the dashboard use only metrics that exist.
func TestContrib(t *testing.T) {
	var known []string
	for _, f := range families {
		known = append(known, f.name)
		if f.histogram {
			known = append(known, f.name+"_bucket", f.name+"_count", f.name+"_sum")
		}
	}
	for _, file := range []string{rulesFile, dashboardFile} {
		asked := regexp.MustCompile(`tandem_[a-z0-9_]+`).FindAllString(golden.Read(t, file), -1)
		if len(asked) == 0 {
			t.Errorf("%s asks for nothing", file)
		}
		for _, name := range asked {
			if !slices.Contains(known, name) {
				t.Errorf("%s asks for %s, which does not exist", filepath.Base(file), name)
			}
		}
	}
}

// TestPromtool runs Prometheus's own tool on the exposition and on the rules.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	run := func(stdin string, args ...string) {
		t.Helper()
		cmd := exec.Command(promtool, args...)
		cmd.Stdin = strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	var own []string
	for line := range strings.Lines(exposition(t, newNumbered())) {
		if strings.Contains(line, "tandem_") {
			own = append(own, line)
		}
	}
	run(strings.Join(own, ""), "check", "metrics")
	run("", "check", "rules", rulesFile)
	run("", "test", "rules", strings.Replace(rulesFile, ".rules.", ".test.", 1))
}
