package peers

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/instant"
	"tandem/internal/mld"
)

// sentFrom is the source address of the golden messages.
var sentFrom = netip.MustParseAddr("fe80::a")

// message is one MLD message that Tandem sends, without its headers.
type message struct {
	name    string
	dst     netip.Addr
	payload []byte
}

// messages returns at least one message of every kind that Tandem sends: as a router,
// queries of both versions; as a host, what a Proxy sends when it joins, changes its
// filter, answers and leaves.
func messages(t *testing.T) (all []message) {
	many := make([]netip.Addr, 80)
	for i := range many {
		many[i] = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i + 1)})
	}
	v2 := mld.Query{Version: 2, MaxResponse: 10 * time.Second, Robustness: 2, QueryInterval: 125 * time.Second}
	query := func(name string, change func(q *mld.Query)) {
		q := v2
		change(&q)
		all = append(all, message{name, q.Destination(), mld.AppendQuery(nil, q)})
	}
	query("general query", func(*mld.Query) {})
	query("general query with long times", func(q *mld.Query) {
		q.MaxResponse, q.QueryInterval, q.Robustness = 100*time.Second, 18000*time.Second, 5
	})
	query("group query", func(q *mld.Query) { q.Group, q.MaxResponse = group, time.Second })
	query("group query that suppresses", func(q *mld.Query) { q.Group, q.MaxResponse, q.Suppress = group, time.Second, true })
	query("source query", func(q *mld.Query) {
		q.Group, q.MaxResponse, q.Sources = group, time.Second, []netip.Addr{s1, s2}
	})
	query("source query that suppresses", func(q *mld.Query) {
		q.Group, q.MaxResponse, q.Suppress, q.Sources = group, time.Second, true, []netip.Addr{s1}
	})
	query("largest source query", func(q *mld.Query) { q.Group, q.Sources = group, many[:75] })
	query("version 1 general query", func(q *mld.Query) { q.Version = 1 })
	query("version 1 group query", func(q *mld.Query) { q.Version, q.Group, q.MaxResponse = 1, group, time.Second })

	h := newHost(t)
	h.want("join", mld.Filter{Mode: mld.Exclude})
	h.want("block", mld.Filter{Mode: mld.Exclude, Sources: []netip.Addr{s1}})
	h.want("allow and block", mld.Filter{Mode: mld.Exclude, Sources: []netip.Addr{s2}})
	h.asked("answer in exclude mode", v2)
	h.want("to include", mld.Filter{Sources: []netip.Addr{s1, s2}})
	h.asked("answer in include mode", v2)
	h.asked("answer for a source", mld.Query{Version: 2, MaxResponse: time.Second, Group: group, Sources: []netip.Addr{s2}})
	h.want("more sources than fit one report", mld.Filter{Sources: many})
	h.asked("answer with more sources than fit one report", v2)
	h.want("leave", mld.Filter{})
	h.asked("nothing to answer in version 1", mld.Query{Version: 1, MaxResponse: time.Second})
	h.want("version 1 report", mld.Filter{Mode: mld.Exclude})
	h.want("version 1 done", mld.Filter{})
	return append(all, h.said...)
}

// upstreamHost is a Proxy on virtual time.
type upstreamHost struct {
	t    *testing.T
	p    *mld.Proxy
	now  instant.Time
	said []message
}

func newHost(t *testing.T) *upstreamHost {
	h := &upstreamHost{t: t, p: mld.NewProxy(mld.DefaultConfig(), rand.New(rand.NewPCG(1, 1)), instant.FromOrigin(0)), now: instant.FromOrigin(0)}
	h.p.SetLink(instant.FromOrigin(0), sentFrom, true)
	return h
}

func (h *upstreamHost) want(name string, f mld.Filter) {
	h.p.Want(h.now, group, f)
	h.settle(name)
}

func (h *upstreamHost) asked(name string, q mld.Query) {
	h.t.Helper()
	meta := mld.Meta{Src: netip.MustParseAddr("fe80::b"), HopLimit: 1, RouterAlert: true}
	if err := h.p.Receive(h.now, meta, &mld.Packet{Type: mld.TypeQuery, Query: q}); err != nil {
		h.t.Fatal(err)
	}
	h.settle(name)
}

// settle collects the messages until no more are due. Each different message is kept once.
func (h *upstreamHost) settle(name string) {
	var fx mld.Effects
	first := len(h.said)
	for at := h.p.Deadline(); at.IsSet(); at = h.p.Deadline() {
		h.now = max(h.now, at)
		fx.Reset()
		h.p.Advance(h.now, &fx)
		for _, r := range fx.Reports {
			if !said(h.said[first:], r) {
				h.said = append(h.said, message{name, r.Dst, r.Payload})
			}
		}
	}
}

func said(list []message, r mld.OutReport) bool {
	for _, m := range list {
		if m.dst == r.Dst && string(m.payload) == string(r.Payload) {
			return true
		}
	}
	return false
}
