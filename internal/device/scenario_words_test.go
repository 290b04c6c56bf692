package device_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
)

// tell writes the effects of a device as text, in the order in which they must be carried
// out.
func (n *node) tell(fx *device.Effects) {
	for _, r := range fx.Routes {
		n.say("route %s", routeWords(r))
	}
	if fx.Gate != nil {
		n.say("gate: %s", gateWords(fx.Gate))
	}
	for _, h := range fx.Handovers {
		n.say("hands over: from %s to %s (%s)", bucketWords(h.From), bucketWords(h.To), h.Reason)
	}
	for _, leg := range fx.Legs {
		n.say("leg %s: %s", leg.Netdev, legWords(leg))
	}
	for _, m := range fx.MLD {
		n.say("MLD on %s: %s", m.Netdev, n.mldWords(m.Payload))
	}
	for _, h := range fx.Hellos {
		n.tellHello(h.Packet)
	}
	for _, ch := range fx.Channels {
		for _, l := range ch.Listen {
			n.say("channel: listens %v", l.On)
		}
		for range ch.Dial {
			n.say("channel: dials")
		}
	}
	for _, e := range fx.Events {
		n.say("event %s: %s", e.Name, e.Facts())
	}
}

func routeWords(r device.RouteChange) string {
	sg := fmt.Sprintf("(%s, %s)", r.Source, r.Group)
	switch {
	case r.Delete:
		return sg + ": none"
	case len(r.Outgoing) == 0:
		return sg + ": discards"
	}
	return fmt.Sprintf("%s: from %s to %s", sg, r.Incoming, strings.Join(r.Outgoing, " "))
}

// gateWords describes which streams may leave through the leg.
func gateWords(g *device.Gate) string {
	passes := etrunk.AllBuckets
	switch {
	case slices.Contains(g.Closed, "eth-trunk10"):
		passes = etrunk.NoBuckets
	case slices.Contains(g.Bucket0, "eth-trunk10"):
		passes = etrunk.Bucket0
	case slices.Contains(g.Bucket1, "eth-trunk10"):
		passes = etrunk.Bucket1
	}
	words := "eth-trunk10 sends " + bucketWords(passes)
	for _, sg := range g.Exceptions {
		words += fmt.Sprintf(", and (%s, %s)", sg.Source, sg.Group)
	}
	return words
}

func bucketWords(b etrunk.Buckets) string {
	return [...]string{"nothing", "bucket 0", "bucket 1", "everything"}[b]
}

func legWords(leg device.LegChange) string {
	switch {
	case leg.Aside:
		return "aside"
	case leg.Up:
		return "up"
	}
	return "down"
}

func (n *node) mldWords(payload []byte) string {
	var p mld.Packet
	n.must(p.Parse(payload))
	if p.Type == mld.TypeQuery {
		if p.General() {
			return "general query"
		}
		return fmt.Sprintf("query for %s %s", p.Group, sourceWords(p.Sources))
	}
	words := "report"
	for _, r := range p.Records {
		words += fmt.Sprintf(" %s %s %s", r.Type, r.Group, sourceWords(r.Sources))
	}
	return words
}

func sourceWords(sources []netip.Addr) string {
	var words []string
	for _, s := range sources {
		words = append(words, s.String())
	}
	return "{" + strings.Join(words, " ") + "}"
}

// tellHello writes the announcement for the member in a hello, if it differs from the one
// before.
func (n *node) tellHello(packet []byte) {
	cfg := n.settings().ETrunks[1]
	key, err := etrunk.NewKey(cfg.AuthMode, cfg.Key, cfg.ID, cfg.Local, cfg.Peer)
	n.must(err)
	var h etrunk.Hello
	n.must(h.Parse(packet, key))
	words := fmt.Sprintf("%s, leg %s", h.Members[0].Role, state(h.Members[0].Up, "up", "down"))
	words += state(h.Members[0].Ready, ", ready", ", not ready") + ", sends " + bucketWords(h.Members[0].Covers)
	words += state(h.PeerLost, ", knows no peer", "")
	if words != n.told {
		n.told = words
		n.say("hello: %s", words)
	}
}

func state(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// observe writes the outcomes of the channel; that it is up or down is an event.
func (n *node) observe(_ string, o device.Outcome) {
	switch r := &o.Record; {
	case o.Kind == device.RecordAcked:
		n.say("channel: peer acknowledges %s of %s", r.Group, r.Host)
	case o.Kind == device.RecordMerged && r.Deleted:
		n.say("channel: peer tells %s of %s: left", r.Group, r.Host)
	case o.Kind == device.RecordMerged:
		n.say("channel: peer tells %s of %s: %s %s", r.Group, r.Host, state(r.Exclude, "EXCLUDE", "INCLUDE"), sourceWords(r.Sources))
	}
}

// show writes the state of a device.
func (n *node) show() {
	if n.dev == nil {
		n.say("is dead")
		return
	}
	snap := n.dev.Snapshot(n.scene.now, time.Time{})
	m, service := snap.Members[0], snap.Services[0]
	lacks := ""
	if !m.Ready && !strings.Contains(m.Duty.Reason, m.NotReady) {
		lacks = ", not ready: " + m.NotReady
	}
	n.say("duty %s (%s)%s, %s, %s", m.Duty.Kind, m.Duty.Reason, lacks,
		state(m.Duty.Querier, "querier", "no querier"), state(service.InSync, "in sync", "not in sync"))
	for _, r := range n.dev.Routes(n.scene.now) {
		sends, _ := n.dev.Sends(m.Member, r.Source, r.Group)
		n.say("(%s, %s) of bucket %d: %s", r.Source, r.Group, etrunk.BucketOf(r.Source, r.Group), state(sends, "sends it", "leaves it to the peer"))
	}
}
