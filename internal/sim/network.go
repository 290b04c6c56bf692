package sim

import (
	"bytes"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// sendHello carries an E-Trunk packet to the peer, unless it is lost.
func (n *node) sendHello(packet []byte) {
	if !n.w.pathUp || n.w.chance(n.w.opts.Loss) {
		return
	}
	to := n.peer()
	n.w.after(wireDelay, func() { to.handle(device.HelloReceived{From: n.address(), Packet: packet}) })
}

// judgePath lets BFD find out, on both devices, whether they reach each other.
func (w *World) judgePath() {
	up := w.pathUp && w.nodes[0] != nil && w.nodes[1] != nil && w.nodes[0].alive() && w.nodes[1].alive()
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
	state := etrunk.BFDUp
	if !up {
		if n.bfd != etrunk.BFDUp {
			return
		}
		state = etrunk.BFDDown
	}
	n.bfd = state
	n.w.logf("%s: BFD up=%v", n.name, up)
	n.handle(device.BFDChanged{Session: "core", State: state})
}

// sendMLD carries a message of a device to the hosts or to the upstream network.
func (n *node) sendMLD(m device.SendMLD) {
	var p mld.Packet
	if err := p.Parse(m.Payload); err != nil {
		panic(err) // a device sent what it cannot read itself
	}
	if m.Netdev == upName {
		n.w.after(rejoinDelay, func() { n.upstreamHears(&p) })
		return
	}
	if !n.legUp() || p.Type != mld.TypeQuery {
		return
	}
	for _, h := range n.w.hosts {
		n.w.after(wireDelay, func() { h.hearQuery(p.Query) })
	}
}

// upstreamHears keeps what the upstream network knows of a device's wishes.
func (n *node) upstreamHears(p *mld.Packet) {
	if !n.upCable {
		return
	}
	for _, r := range p.Records {
		n.joined[r.Group] = apply(n.joined[r.Group], r)
	}
}

// conn is one end of a connection. Bytes wait while the path is cut, as TCP's do.
type conn struct {
	node   *node
	id     rbs.ConnID
	other  *conn
	queue  [][]byte
	closed bool
}

// serveChannel does what the replication service asks of its connection.
func (n *node) serveChannel(fx rbs.Effects) {
	for _, c := range fx.Close {
		if end := n.conns[c.Conn]; end != nil {
			if c.Last != nil && n.w.reachable() {
				end.deliver(c.Last)
			}
			end.close("closed by peer: " + c.Reason)
		}
	}
	for _, l := range fx.Listen {
		n.listen = l.On
	}
	for range fx.Dial {
		n.dial()
	}
	for _, s := range fx.Send {
		if end := n.conns[s.Conn]; end != nil {
			end.queue = append(end.queue, s.Bytes)
			end.flush()
		}
	}
}

func (w *World) reachable() bool { return w.pathUp && w.rbsUp }

func (n *node) dial() {
	to, dev := n.peer(), n.dev
	n.w.after(2*wireDelay, func() {
		if n.dev != dev {
			return
		}
		if !n.w.reachable() || !to.alive() || !to.listen {
			n.handle(device.ChannelDialFailed{Service: service, Reason: "connection refused"})
			return
		}
		a, b := n.newConn(), to.newConn()
		a.other, b.other = b, a
		to.handle(device.ChannelAccepted{Service: service, Conn: b.id, From: n.address()})
		n.handle(device.ChannelDialled{Service: service, Conn: a.id})
	})
}

func (n *node) newConn() *conn {
	n.lastID++
	c := &conn{node: n, id: n.lastID}
	n.conns[c.id] = c
	return c
}

// flush sends what waits, if it can travel.
func (c *conn) flush() {
	for len(c.queue) > 0 && !c.closed && c.node.w.reachable() {
		chunk := c.queue[0]
		c.queue = c.queue[1:]
		c.deliver(chunk)
		c.node.handle(device.ChannelWritten{Service: service, Conn: c.id})
	}
}

// deliver hands bytes to the other end, in two pieces cut anywhere.
func (c *conn) deliver(b []byte) {
	w, to := c.node.w, c.other
	cut := w.rng.IntN(len(b) + 1)
	b = bytes.Clone(b) // the sender may reuse its buffer
	for _, piece := range [][]byte{b[:cut], b[cut:]} {
		if len(piece) == 0 {
			continue
		}
		w.after(wireDelay, func() {
			if !to.closed {
				to.node.handle(device.ChannelReceived{Service: service, Conn: to.id, Bytes: piece})
			}
		})
	}
}

// close ends this end, and the other one as soon as it can hear of it.
func (c *conn) close(reason string) {
	if c.closed {
		return
	}
	c.closed = true
	delete(c.node.conns, c.id)
	to := c.other
	if to == nil || !c.node.w.reachable() {
		return
	}
	c.node.w.after(wireDelay, func() {
		if !to.closed {
			to.closed = true
			delete(to.node.conns, to.id)
			to.node.handle(device.ChannelClosed{Service: service, Conn: to.id, Reason: reason})
		}
	})
}

// pathHealed lets waiting bytes travel again.
func (w *World) pathHealed() {
	for _, n := range w.nodes {
		for _, c := range n.conns {
			c.flush()
		}
	}
}
