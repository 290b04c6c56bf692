package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
)

// fault is something that breaks, and the way it is mended.
type fault struct {
	name        string
	strike, end func(w *World, n *node)
}

// The faults, by their place in the table of what must be survived.
var faults = []fault{
	{"daemon killed", func(w *World, n *node) { n.kill() }, func(w *World, n *node) { n.boot() }},
	{"device off", powerOff, powerOn},
	{"leg down", func(w *World, n *node) { n.setCables(false, n.upCable) }, func(w *World, n *node) { n.setCables(true, n.upCable) }},
	{"upstream down", func(w *World, n *node) { n.setCables(n.legCable, false) }, func(w *World, n *node) { n.setCables(n.legCable, true) }},
	{"RBS down", func(w *World, n *node) { w.rbsUp = false }, func(w *World, n *node) { w.rbsUp = true; w.pathHealed() }},
	{"path down", func(w *World, n *node) { w.pathUp = false; w.judgePath() },
		func(w *World, n *node) { w.pathUp = true; w.judgePath(); w.pathHealed() }},
	{"switchover", func(w *World, n *node) { n.handle(device.Switchover{ETrunk: trunkID, On: true}) },
		func(w *World, n *node) { n.handle(device.Switchover{ETrunk: trunkID, On: false}) }},
}

func powerOff(w *World, n *node) {
	n.setCables(false, false)
	n.kill()
}

func powerOn(w *World, n *node) {
	n.setCables(true, true)
	n.boot()
}

func (n *node) setCables(leg, up bool) {
	if n.upCable && !up {
		n.joined = make(map[netip.Addr]mld.Filter) // the upstream network forgets who has gone
	}
	n.legCable, n.upCable = leg, up
	n.linkChanged()
}

// Run plays a whole schedule and returns the first broken invariant.
func (w *World) Run() error {
	if err := w.settle(); err != nil {
		return fmt.Errorf("at start: %w", err)
	}
	w.changeMinds()
	for end := w.now + w.opts.Duration; w.now < end; {
		f, n := faults[w.rng.IntN(len(faults))], w.nodes[w.rng.IntN(2)]
		w.logf("fault: %s on %s", f.name, n.name)
		w.healedAt = w.now + time.Hour
		f.strike(w, n)
		if err := w.pass(w.between(50*time.Millisecond, 15*time.Second)); err != nil {
			return fmt.Errorf("%s on %s: %w", f.name, n.name, err)
		}
		w.logf("mended: %s on %s", f.name, n.name)
		w.healedAt = w.now
		f.end(w, n)
		if err := w.settle(); err != nil {
			return fmt.Errorf("after %s on %s: %w", f.name, n.name, err)
		}
	}
	return w.quiet()
}

// pass lets time go by.
func (w *World) pass(d time.Duration) error {
	for _, n := range w.nodes {
		n.pump()
	}
	if err := w.watch.check(); err != nil {
		return err
	}
	return w.run(w.now + d)
}

// settle waits until the pair shares the sending again.
func (w *World) settle() error {
	for deadline := w.now + 30*time.Second; w.now < deadline; {
		if err := w.pass(100 * time.Millisecond); err != nil {
			return err
		}
		if w.shared() {
			return w.pass(w.between(0, 3*time.Second))
		}
	}
	return fmt.Errorf("the pair does not share again after 30 s: A %s, B %s", w.nodes[0].duty(), w.nodes[1].duty())
}

func (w *World) shared() bool {
	for _, n := range w.nodes {
		snap := n.dev.Snapshot(w.now, time.Time{})
		if n.duty() != device.DutyShared || !snap.Services[0].InSync || n.bfd != etrunk.BFDUp {
			return false
		}
	}
	return true
}

// changeMinds lets hosts join and leave for as long as the run lasts.
func (w *World) changeMinds() {
	end := w.now + w.opts.Duration
	var next func()
	next = func() {
		if w.now > end {
			return
		}
		h := w.hosts[w.rng.IntN(len(w.hosts))]
		i := w.rng.IntN(len(w.streams))
		h.change(i, !h.wants[i])
		w.after(w.between(10*time.Millisecond, 2*time.Second), next)
	}
	w.after(0, next)
}

// quiet lets everything come to rest and compares: both databases with each
// other, and with what the hosts really want.
func (w *World) quiet() error {
	// What was lost is found out by the next queries, if they are not lost too.
	w.opts.Loss = 0
	listening := mld.DefaultConfig().ListeningInterval()
	if err := w.pass(listening + 10*time.Second); err != nil {
		return fmt.Errorf("at rest: %w", err)
	}
	a := w.nodes[0].dev.Snapshot(w.now, time.Time{}).Profiles[0]
	b := w.nodes[1].dev.Snapshot(w.now, time.Time{}).Profiles[0]
	if a.Digest != b.Digest || a.Records != b.Records {
		return fmt.Errorf("databases differ at rest: A %d records %x, B %d records %x", a.Records, a.Digest, b.Records, b.Digest)
	}
	for _, n := range w.nodes {
		if err := w.compare(n); err != nil {
			return fmt.Errorf("device %s: %w", n.name, err)
		}
	}
	return nil
}

// compare checks a device's listeners against the hosts' wishes. MLDv1 hosts
// are not told apart by their records, only as a whole.
func (w *World) compare(n *node) error {
	known := make(map[string]bool)
	groups := n.dev.Groups(w.now, "Eth-Trunk10")
	for _, g := range groups {
		for _, h := range g.Hosts {
			known[g.Group.String()+" "+h.Host.String()] = true
		}
	}
	for i, s := range w.streams {
		wanted := slices.ContainsFunc(w.hosts, func(h *host) bool { return h.wants[i] })
		if routed := len(n.routes[s.key()]) > 0; routed != wanted {
			return fmt.Errorf("%s is wanted=%v, forwarded=%v", s.group, wanted, routed)
		}
		for _, h := range w.hosts {
			name := s.group.String() + " " + h.addr.String()
			if !h.v1 && known[name] != h.wants[i] {
				return fmt.Errorf("host %d wants %s=%v, known=%v", h.port, s.group, h.wants[i], known[name])
			}
		}
	}
	return nil
}
