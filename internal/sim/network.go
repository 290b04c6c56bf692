package sim

import (
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
)

// keptHellos is how many hellos an eavesdropper keeps.
const keptHellos = 20

// sendHello delivers an E-Trunk packet to the peer, unless it is lost.
func (n *node) sendHello(h device.SendHello) {
	w, packet := n.w, h.Packet
	cuts, delay := w.pathCuts, wireDelay
	if h.Local == n.beatAddress() {
		cuts, delay = w.beatCuts, beatDelay
	}
	if w.chance(0.1) {
		if n.sent = append(n.sent, packet); len(n.sent) > keptHellos {
			n.sent = n.sent[1:]
		}
	}
	if w.chance(w.opts.Loss) {
		n.hellosLost++
		n.lostAt = w.now
		return
	}
	if w.now > n.lostAt.Add(memory) {
		n.hellosLost = 0
	}
	if cuts[n.index] > 0 {
		return
	}
	to := n.peer()
	arrive := func() { to.handle(device.HelloReceived{From: h.Local, Packet: packet}) }
	w.after(delay+w.between(0, w.jitter), arrive)
	if w.jitter > 0 && w.chance(0.2) {
		w.after(delay+w.between(0, w.jitter), arrive)
	}
}

// memory is how long a lost hello justifies a longer delay.
const memory = time.Second

// helloDelay returns how much longer a change may take than after one lost hello, because
// several hellos were lost in a short time and had to be repeated.
func (w *World) helloDelay() (d time.Duration) {
	for _, n := range w.nodes {
		if w.now <= n.lostAt.Add(memory) {
			d = max(d, time.Duration(n.hellosLost-1)*repeatGap)
		}
	}
	return d
}

// judgePath lets BFD on both devices detect whether they reach each other. One working
// direction is not enough: a device that receives nothing reports that to the other.
func (w *World) judgePath() {
	up := w.pathCuts == [2]int{} && w.nodes[0] != nil && w.nodes[1] != nil && w.nodes[0].beats() && w.nodes[1].beats()
	if up == w.pathBFD {
		return
	}
	w.pathBFD = up
	for _, n := range w.nodes {
		if up {
			w.after(w.between(time.Second, 2*time.Second), func() { n.bfdVerdict(true) })
		} else {
			w.after(w.between(bfdMin, bfdMax), func() { n.bfdVerdict(false) })
		}
	}
}

func (n *node) bfdVerdict(up bool) {
	if n.w.pathBFD != up || !n.alive() {
		return
	}
	if !up {
		n.bfdLost()
		return
	}
	n.bfdChanged(etrunk.BFDUp)
}

// bfdLost lets BFD detect that the peer is silent. It detects this even if the peer is
// back by then, because a restarted peer has a new session.
func (n *node) bfdLost() {
	if n.alive() && n.bfd == etrunk.BFDUp {
		n.bfdChanged(etrunk.BFDDown)
	}
}

// bfdErrs simulates that this device was late, so that BFD of the peer declares it dead
// although it works. The peer's BFD signals this to this device, and the session is up
// again after BFD's slow start.
func (n *node) bfdErrs() {
	w := n.w
	n.peer().bfdLost()
	w.after(w.between(0, time.Millisecond), n.bfdLost)
	w.after(w.between(time.Second, 2*time.Second), func() {
		for _, n := range w.nodes {
			if n.bfd == etrunk.BFDDown {
				n.bfdVerdict(true)
			}
		}
	})
}

func (n *node) bfdChanged(state etrunk.BFDState) {
	n.bfd = state
	n.w.logf("%s: BFD %v", n.name, state)
	n.handle(device.BFDChanged{Session: "core", State: state})
}

// sendMLD delivers a message of a device to the hosts or to the upstream network.
func (n *node) sendMLD(m device.SendMLD) {
	var p mld.Packet
	if err := p.Parse(m.Payload); err != nil {
		panic(err) // a device has sent a message that its own parser refuses
	}
	if m.Netdev == upName {
		if n.upMutes > 0 {
			return
		}
		n.w.after(rejoinDelay, func() { n.upstreamHears(&p) })
		return
	}
	// A query is also permitted if the device has lost the duty only in this event,
	// because it may have queried before.
	if p.Type != mld.TypeQuery || !n.alive() || !n.duty().Querier && !n.wasQuerier {
		n.w.violated("%s sends a message of type %d to hosts and has no duty to query", n.name, p.Type)
	}
	if n.legMute() {
		if n.toldLegMute {
			n.w.violated("%s asks hosts and has no address to ask from", n.name)
		}
		return
	}
	n.w.logf("%s asks on %s for %s %v, suppress %v", n.name, m.Netdev, p.Group, p.Sources, p.Suppress)
	if !n.forwards() {
		return
	}
	for _, h := range n.w.hosts {
		if legName(h.vlan) == m.Netdev {
			n.w.after(wireDelay, func() { h.hearQuery(p.Query) })
		}
	}
}

// upstreamHears stores the reports that the upstream network receives from a device.
func (n *node) upstreamHears(p *mld.Packet) {
	if !n.upCable() || n.way.late > 0 {
		return
	}
	n.moved = true
	for _, r := range p.Records {
		n.joined[r.Group] = apply(n.joined[r.Group], r)
	}
}
