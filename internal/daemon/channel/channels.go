package channel

import (
	"context"
	"net"
	"net/netip"
	"os"

	"tandem/internal/daemon/eventloop"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/rbs"
	"tandem/internal/task"
)

// Options are what the channels need from outside.
type Options struct {
	Loop *eventloop.Loop
	// Handle tells the device of an event, within a turn.
	Handle func(device.Event)
	// Emit tells people of an event. It is called from any goroutine.
	Emit func(event.Event)
	// Tasks has the goroutines of the channels. When it ends they do.
	Tasks *task.Group
	// Inherited returns the listening socket that a predecessor has left for an address,
	// nil for none. The caller closes it.
	Inherited func(at netip.AddrPort) *os.File
}

// Channels are the connections of all services. Its methods are for whoever has the turn.
type Channels struct {
	o           Options
	byService   map[string]*channel
	lastConn    rbs.ConnID // each number is used once
	credentials map[string]*credentials
}

// channel is what belongs to one service.
type channel struct {
	all      *Channels
	service  string
	listener *net.TCPListener   // nil while it does not listen
	dial     context.CancelFunc // ends the latest dial, nil before the first
	conns    map[rbs.ConnID]*conn
}

// New returns channels that do nothing until they are asked.
func New(o Options) *Channels {
	return &Channels{o: o, byService: make(map[string]*channel)}
}

// Serve does what a service asks of its connections.
func (c *Channels) Serve(fx device.ChannelEffects) {
	ch := c.byService[fx.Service]
	if ch == nil {
		ch = &channel{all: c, service: fx.Service, conns: make(map[rbs.ConnID]*conn)}
		c.byService[fx.Service] = ch
	}
	for _, end := range fx.Close {
		ch.closeConn(end.Conn, end.Last)
	}
	for _, l := range fx.Listen {
		ch.stopListening()
		if l.On {
			ch.listen(l)
		}
	}
	for _, d := range fx.Dial {
		ch.connect(d)
	}
	for _, s := range fx.Send {
		if conn := ch.conns[s.Conn]; conn != nil {
			conn.out <- s.Bytes // has room: there is one at a time
		}
	}
}

// Reconnect ends the connections of services of which the policy has changed. The device has
// new ones made.
func (c *Channels) Reconnect(services []string) {
	for _, service := range services {
		ch := c.byService[service]
		for id := range ch.conns {
			ch.closeConn(id, nil)
			c.o.Handle(device.ChannelClosed{Service: service, Conn: id, Reason: "the SSL policy has changed"})
		}
	}
}

// HandOver returns the listening sockets for a successor. They stay open here, too.
func (c *Channels) HandOver() (sockets []*os.File, err error) {
	for _, ch := range c.byService {
		if ch.listener == nil {
			continue
		}
		socket, err := ch.listener.File()
		if err != nil {
			return sockets, err
		}
		sockets = append(sockets, socket)
	}
	return sockets, nil
}

// Close ends all connections and listens no more, by which the goroutines end.
func (c *Channels) Close() {
	for _, ch := range c.byService {
		ch.stopListening()
		if ch.dial != nil {
			ch.dial()
		}
		for id := range ch.conns {
			ch.closeConn(id, nil)
		}
	}
}
