package sim

import (
	"bytes"
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/rbs"
)

// conn is one end of a connection. While the path is cut its bytes wait, as in TCP.
type conn struct {
	node    *node
	id      rbs.ConnID
	other   *conn
	queue   [][]byte
	sending bool
	unacked int  // pieces sent while no acknowledgement could return
	beat    bool // the connection uses the heartbeat path
	closed  bool
}

// maxUnacked is how many pieces are sent in one direction while nothing comes back.
const maxUnacked = 8

// serveChannel carries out the effects of the replication service on its connection.
func (n *node) serveChannel(fx rbs.Effects) {
	for _, c := range fx.Close {
		if end := n.conns[c.Conn]; end != nil {
			// last is sent only if no chunk is being sent.
			if c.Last != nil && n.channelReaches(end.beat) && !end.sending && len(end.queue) == 0 {
				end.arrive(bytes.Clone(c.Last))
			}
			end.close("closed by peer: " + c.Reason)
		}
	}
	for _, l := range fx.Listen {
		n.listen = netip.Addr{}
		if l.On {
			n.listen = l.Local
		}
	}
	for _, d := range fx.Dial {
		if n.index == 0 {
			n.w.violated("%s dials, but its address is the lower one", n.name)
		}
		n.dial(d)
	}
	for _, s := range fx.Send {
		if end := n.conns[s.Conn]; end != nil {
			if len(end.queue) > 0 || len(s.Bytes) > maxChunk {
				n.w.violated("%s hands over %d bytes, with %d chunks unwritten", n.name, len(s.Bytes), len(end.queue))
			}
			end.queue = append(end.queue, bytes.Clone(s.Bytes)) // the service may reuse its buffer
			end.flush()
		}
	}
}

// channelReaches reports whether bytes of this device reach the peer on a channel.
func (n *node) channelReaches(beat bool) bool {
	cuts := n.w.pathCuts
	if beat {
		cuts = n.w.beatCuts
	}
	return cuts[n.index] == 0 && n.w.rbsCuts[n.index] == 0
}

func (c *conn) reaches() bool { return c.node.channelReaches(c.beat) }

// channelWhole reports whether the channel works in both directions at full speed.
func (w *World) channelWhole() bool {
	return w.nodes[0].channelReaches(false) && w.nodes[1].channelReaches(false) && w.rate == 0
}

func (n *node) dial(d rbs.Dial) {
	to, dev, beat := n.peer(), n.dev, d.Local == n.beatAddress()
	n.w.after(2*wireDelay, func() {
		if n.dev != dev {
			return
		}
		if !n.channelReaches(beat) || !to.channelReaches(beat) || !to.alive() || to.listen != d.Peer {
			n.handle(device.ChannelDialFailed{Service: service, Reason: "connection refused"})
			return
		}
		a, b := n.newConn(beat), to.newConn(beat)
		a.other, b.other = b, a
		to.handle(device.ChannelAccepted{Service: service, Conn: b.id, From: d.Local})
		n.handle(device.ChannelDialled{Service: service, Conn: a.id})
	})
}

func (n *node) newConn(beat bool) *conn {
	n.lastID++
	c := &conn{node: n, id: n.lastID, beat: beat}
	n.conns[c.id] = c
	return c
}

// flush sends the waiting bytes, unless the path is cut or a piece is already under way.
func (c *conn) flush() {
	w := c.node.w
	if c.sending || c.closed || len(c.queue) == 0 || !c.reaches() {
		return
	}
	if c.other.closed {
		c.end("connection reset by peer")
		return
	}
	if !c.other.reaches() {
		if c.unacked++; c.unacked > maxUnacked {
			return
		}
	} else {
		c.unacked = 0
	}
	piece, delay := c.take()
	c.sending = true
	w.after(delay, func() {
		c.sending = false
		c.arrive(piece)
		c.flush()
	})
}

// take removes a piece of random length from the waiting bytes.
func (c *conn) take() (piece []byte, delay time.Duration) {
	w, chunk, delay := c.node.w, c.queue[0], wireDelay
	n := 1 + w.rng.IntN(len(chunk))
	if w.rate > 0 {
		n = min(n, 256)
		delay += time.Duration(n) * time.Second / time.Duration(w.rate)
	}
	piece, c.queue[0] = chunk[:n], chunk[n:]
	if len(c.queue[0]) == 0 {
		c.queue = c.queue[1:]
		c.node.handle(device.ChannelWritten{Service: service, Conn: c.id})
	}
	return piece, delay
}

func (c *conn) arrive(piece []byte) {
	if to := c.other; !to.closed {
		to.node.handle(device.ChannelReceived{Service: service, Conn: to.id, Bytes: piece})
	}
}

// close closes this end. If the path works, the other end is closed, too. Otherwise the
// other end notices when it sends next.
func (c *conn) close(reason string) {
	if c.closed {
		return
	}
	c.closed = true
	delete(c.node.conns, c.id)
	if to := c.other; c.reaches() {
		c.node.w.after(wireDelay, func() { to.end(reason) })
	}
}

// end ends this end and reports that to the service.
func (c *conn) end(reason string) {
	if c.closed {
		return
	}
	c.closed = true
	delete(c.node.conns, c.id)
	c.node.handle(device.ChannelClosed{Service: service, Conn: c.id, Reason: reason})
}

// pathHealed sends the waiting bytes after the path has been repaired.
func (w *World) pathHealed() {
	for _, n := range w.nodes {
		for id := range n.lastID {
			if c := n.conns[id+1]; c != nil {
				c.flush()
			}
		}
	}
}
