package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tandem/internal/config"
	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/journal"
	"tandem/internal/state"
	"tandem/internal/status"
)

// many is a device with a numbered set of groups on one interface.
type many struct {
	groups int
	shown  int // number of group states that were requested
	peerAt time.Time
	// inStead is who sends the streams in the other's stead.
	inStead state.Stead
}

func groupOf(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0xff, 0x3e, 12: byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)})
}

var host = netip.MustParseAddr("fe80::1")

func (m *many) Status() status.Device {
	d := status.Of(status.Facts{Name: "A"})
	d.Interfaces = []status.Listener{{Interface: status.Interface{Name: "Eth-Trunk10", Up: true}, Passes: etrunk.Bucket0}}
	return d
}
func (m *many) PeerStatus() (status.Device, time.Time) {
	return status.Of(status.Facts{Name: "B"}), m.peerAt
}
func (m *many) Reload() status.Reload {
	return status.Reload{Peer: []status.Objection{}, Self: []status.Objection{{Object: "peer", Reason: "it does not tell"}}}
}
func (m *many) History() []status.Sample { return []status.Sample{{At: 1}, {At: 2}} }

func (m *many) GroupNames(string) (names []netip.Addr) {
	for i := range m.groups {
		names = append(names, groupOf(m.groups-i))
	}
	return names
}

func (m *many) Listening(_ string, h netip.Addr, groups []netip.Addr) []netip.Addr {
	if h == host {
		return groups[:3]
	}
	return nil
}

func (m *many) GroupStates(_ string, groups []netip.Addr) (states []state.Group) {
	for _, g := range groups {
		if g != groupOf(7) { // this group has ended in the meantime
			m.shown++
			states = append(states, state.Group{Group: g, Hosts: []state.Host{{Address: host, Device: 7}}})
		}
	}
	return states
}

func (m *many) GroupRoutes(group netip.Addr) []state.Route {
	source := netip.MustParseAddr("2001:db8::1")
	return []state.Route{{Source: source, Group: group, Bucket: etrunk.BucketOf(source, group), Downstream: []string{"Eth-Trunk10"}, Packets: 9,
		Arrival: state.Arrival{Here: new(bool), InStead: m.inStead}},
		{Source: source, Group: group, Downstream: []string{"Eth-Trunk11"}}}
}

func newHandler(m *many) http.Handler {
	return Handler(m, journal.New(slog.DiscardHandler), http.NotFoundHandler())
}

// get decodes an answer, which must have a status.
func get(t *testing.T, h http.Handler, url string, code int, into any) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
	if w.Code != code {
		t.Fatalf("%s: status %d: %s", url, w.Code, w.Body)
	}
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatalf("%s: %v", url, err)
		}
	}
	return w.Body.String()
}

func TestGroups(t *testing.T) {
	const hundredThousand = 100_000
	m := &many{groups: hundredThousand}
	h := newHandler(m)
	for _, c := range []struct {
		query             string
		total, page, rows int
		first             netip.Addr
	}{
		{"", hundredThousand, 0, pageSize - 1, groupOf(1)}, // without the group that has ended
		{"page=1", hundredThousand, 1, pageSize, groupOf(1 + pageSize)},
		{"page=999999", hundredThousand, hundredThousand/pageSize - 1, pageSize, groupOf(1 + hundredThousand - pageSize)},
		{"search=" + groupOf(500).String(), 1, 0, 1, groupOf(500)},
		{"search=FF3E::1:86A", 1, 0, 1, groupOf(0x1086a)}, // a whole address matches only itself
		{"search=:86A0", 2, 0, 2, groupOf(0x86a0)},        // anything else matches a part of addresses
		{"search=ff3e::100/120", 256, 0, pageSize, groupOf(256)},
		{"search=fe80::1", 3, 0, 3, groupOf(hundredThousand - 2)},
		{"search=fe80::2", 0, 0, 0, netip.Addr{}},
		{"search=nothing", 0, 0, 0, netip.Addr{}},
		{"interface=Eth-Trunk99", 0, 0, 0, netip.Addr{}},
	} {
		m.shown = 0
		var p groupPage
		get(t, h, "/api/groups?"+c.query, 200, &p)
		if p.Total != c.total || p.Page != c.page || len(p.Groups) != c.rows || c.rows > 0 && p.Groups[0].Group != c.first.String() {
			t.Errorf("%s: %d found, page %d of %d with %d rows, the first %v", c.query, p.Total, p.Page, p.Pages, len(p.Groups), p.Groups)
		}
		if m.shown > pageSize {
			t.Errorf("%s: %d groups were described for it", c.query, m.shown)
		}
	}
	get(t, h, "/api/groups?page=x", 400, nil)
	get(t, h, "/api/groups?page=-1", 400, nil)
}

func TestGroup(t *testing.T) {
	h := newHandler(&many{groups: 10})
	var d groupDetail
	get(t, h, "/api/group?interface=Eth-Trunk10&group="+groupOf(3).String(), 200, &d)
	sends := etrunk.BucketOf(netip.MustParseAddr("2001:db8::1"), groupOf(3)) == 0
	if len(d.Listeners) != 1 || d.Listeners[0].Host != "fe80::1" || len(d.Streams) != 1 || d.Streams[0].Packets != 9 || d.Streams[0].Sends != sends {
		t.Errorf("%+v", d)
	}
	for _, in := range []state.Stead{state.BySelf, state.ByPeer} { // of either bucket
		for _, i := range []int{1, 2, 3, 4, 5, 6} {
			get(t, newHandler(&many{groups: 10, inStead: in}), "/api/group?interface=Eth-Trunk10&group="+groupOf(i).String(), 200, &d)
			if s := d.Streams[0]; s.Here == nil || *s.Here || s.Peer != nil || s.Sends != (in == state.BySelf) {
				t.Errorf("a stream of bucket %d that %s sends in the other's stead is shown as %+v", d.Streams[0].Bucket, in, d.Streams[0])
			}
		}
	}
	get(t, h, "/api/group?interface=Eth-Trunk10&group="+groupOf(7).String(), 404, nil)
	get(t, h, "/api/group?group=2001:db8::1", 400, nil)
	get(t, h, "/api/group?group=x", 400, nil)
}

// TestPageIsWhole: every file to which the page refers exists, and the page loads nothing
// from other servers.
func TestPageIsWhole(t *testing.T) {
	h := newHandler(&many{})
	entries, err := files.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, e := range entries {
		text := get(t, h, "/"+strings.TrimSuffix(e.Name(), "index.html"), 200, nil)
		total += len(text)
		for _, quote := range []string{`"`, `'`} {
			for i, part := range strings.Split(text, quote) {
				if i%2 == 1 && (strings.HasSuffix(part, ".js") || strings.HasSuffix(part, ".css")) {
					get(t, h, "/"+strings.TrimPrefix(part, "./"), 200, nil)
				}
			}
		}
		if rest := strings.ReplaceAll(text, "http://www.w3.org/2000/svg", ""); strings.Contains(rest, "http") && e.Name() != "index.html" {
			t.Errorf("%s refers to another server", e.Name())
		}
	}
	if total > 64<<10 {
		t.Errorf("the page is %d bytes", total)
	}
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/api/groups", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d", method, w.Code)
		}
	}
}

// TestLive: a page gets each event at once, and none twice.
func TestLive(t *testing.T) {
	j := journal.New(slog.DiscardHandler)
	j.Emit(event.GateRepaired.With(1)) // an event before the page was opened: the page gets it from the history
	server := httptest.NewServer(Handler(&many{peerAt: time.Now()}, j, http.NotFoundHandler()))
	defer server.Close()
	answer, err := http.Get(server.URL + "/api/live")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	r := bufio.NewReader(answer.Body)
	next := func() (g glance) {
		t.Helper()
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &g); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		return g
	}
	if g := next(); g.Self.Name != "A" || g.Peer == nil || g.Peer.Name != "B" || len(g.Events) != 0 || len(g.Samples) != 0 {
		t.Errorf("%+v", g)
	}
	j.Emit(event.GateRepaired.With(2))
	g := next()
	for len(g.Events) == 0 { // a message without events may come first
		g = next()
	}
	if len(g.Events) != 1 || g.Events[0].Facts != "Repairs=2" {
		t.Errorf("%+v", g.Events)
	}
	if g = next(); len(g.Events) != 0 {
		t.Errorf("told twice: %+v", g.Events)
	}
}

// TestServer: the server follows the configuration. If the address is in use, this is
// logged, and the server listens as soon as the address is free.
func TestServer(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := taken.Addr().(*net.TCPAddr).AddrPort()
	want := config.HTTPServer{Enabled: true, Address: at.Addr(), Port: at.Port()}
	j := journal.New(slog.DiscardHandler)
	s := NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") }), j, nil)
	for range 3 {
		s.reconcile(want)
	}
	if st := s.State(); st.LastError == "" || j.Counts()[event.HTTPNotListening] != 1 {
		t.Errorf("at a taken address: %+v, told %d times", st, j.Counts()[event.HTTPNotListening])
	}
	taken.Close()
	s.tryAt = time.Now()
	s.reconcile(want)
	ask := func(name string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+at.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = name
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0
		}
		defer answer.Body.Close()
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode
	}
	for name, code := range map[string]int{"127.0.0.1": 200, "localhost:9": 200, "[::1]:80": 200, "evil.example": 403, "192.0.2.1": 403} {
		if got := ask(name); got != code {
			t.Errorf("asked as %s: status %d", name, got)
		}
	}
	s.reconcile(config.HTTPServer{})
	if st := s.State(); st.Enabled || st.LastError != "" || ask("localhost") != 0 {
		t.Errorf("switched off: %+v", st)
	}
}
