package channel

import (
	"context"
	"net/netip"
	"os"

	"tandem/internal/daemon/eventloop"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/pki"
	"tandem/internal/rbs"
	"tandem/internal/task"
)

// Options are what the channels need from outside.
type Options struct {
	Loop *eventloop.Loop
	// Handle passes an event to the device, within a turn.
	Handle func(device.Event)
	// Emit sends an event to the log. It is called from any goroutine.
	Emit func(event.Event)
	// Tasks is the group of the goroutines of the channels. They end when the group ends.
	Tasks *task.Group
	// Inherited returns the listening socket that a predecessor has left for an address, or
	// nil. The caller closes the socket.
	Inherited func(at netip.AddrPort) *os.File
	// Own is the certificate that this device shows to peers that are identified by a
	// pinned certificate, see [rbs.Pin]. It may be nil if no service uses one.
	Own *pki.Self
}

// Channels are the connections of all services. Only the caller who has the turn may use its
// methods.
type Channels struct {
	o           Options
	byService   map[string]*channel
	lastConn    rbs.ConnID // the last number that was given to a connection; no number is used twice
	credentials map[string]*credentials
}

// channel has the listener and the connection of one service.
type channel struct {
	all      *Channels
	service  string
	listener *listener          // nil while the service does not listen
	dial     context.CancelFunc // ends the latest dial; nil before the first one
	conns    map[rbs.ConnID]*conn
}

// New returns channels without listeners and connections.
func New(o Options) *Channels {
	return &Channels{o: o, byService: make(map[string]*channel)}
}

// Serve carries out the effects of a service: to listen, dial, send or close.
func (c *Channels) Serve(fx device.ChannelEffects) {
	ch := c.byService[fx.Service]
	if ch == nil {
		ch = &channel{all: c, service: fx.Service, conns: make(map[rbs.ConnID]*conn)}
		c.byService[fx.Service] = ch
	}
	for _, end := range fx.Close {
		ch.closeConn(end.Conn, end.Last)
	}
	if n := len(fx.Listen); n > 0 {
		ch.setListening(fx.Listen[n-1])
	}
	for _, d := range fx.Dial {
		ch.connect(d)
	}
	for _, s := range fx.Send {
		if conn := ch.conns[s.Conn]; conn != nil {
			conn.out <- s.Bytes // does not block: only one send is under way at a time
		}
	}
}

// Reconnect closes the connections of the services whose policy has changed. The device then
// makes new ones.
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
		socket, err := ch.listener.socket.File()
		if err != nil {
			return sockets, err
		}
		sockets = append(sockets, socket)
	}
	return sockets, nil
}

// Close closes all connections and listeners. Then their goroutines end.
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
