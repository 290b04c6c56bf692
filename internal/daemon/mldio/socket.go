package mldio

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/packet"
)

// Router receives the messages. Its methods may be called from any goroutine.
type Router interface {
	// Receive handles the messages of one read, in a turn, with the time of the read. It must
	// not keep the events. It returns false if there are no turns any more.
	Receive(events []device.Event, readAt time.Time) bool
	// Name returns the Linux name of an interface index, empty when there is none.
	Name(index int) string
	// Emit sends an event to the log.
	Emit(event.Event)
}

// FileNames lists the names of the files that HandOver hands over.
var FileNames = []string{inFile, outFile}

const (
	inFile  = "mld-in"
	outFile = "mld-out"
)

// Socket receives MLD on some interfaces and sends on any. Only the caller who has the turn may
// call SetInterfaces and HandOver. Run and Tend are called once. The other methods may be
// called from any goroutine.
type Socket struct {
	conn   *packet.Conn
	router Router
	look   chan struct{} // makes Tend check at once
}

// Open makes a socket that receives nothing yet.
func Open(router Router) (*Socket, error) {
	conn, err := packet.Open()
	if err != nil {
		return nil, fmt.Errorf("MLD socket: %w", err)
	}
	return newSocket(router, conn), nil
}

// Adopt continues with the files that a predecessor's HandOver has returned. It closes
// all files that it does not use.
func Adopt(router Router, left inherit.Files, joined []int) (*Socket, error) {
	defer left.Close()
	conn, err := packet.Adopt(descriptor(left.One(inFile)), descriptor(left.One(outFile)), joined)
	if err != nil {
		return nil, fmt.Errorf("MLD socket: %w", err)
	}
	return newSocket(router, conn), nil
}

// descriptor duplicates the descriptor of a file and closes the file. It returns an invalid
// descriptor on an error.
func descriptor(f *os.File) int {
	const none = -1
	if f == nil {
		return none
	}
	fd, err := inherit.Descriptor(f)
	if err != nil {
		return none
	}
	return fd
}

func newSocket(router Router, conn *packet.Conn) *Socket {
	return &Socket{conn, router, make(chan struct{}, 1)}
}

// HandOver returns the socket's files and the indexes of the interfaces on which it receives.
// Run must have ended. Messages that arrive wait in the files.
func (s *Socket) HandOver() (files inherit.Files, joined []int) {
	in, out, joined := s.conn.HandOver()
	return inherit.Files{{Name: inFile, File: in}, {Name: outFile, File: out}}, joined
}

// Close closes the socket. Then Run and Tend end.
func (s *Socket) Close() error {
	defer s.lookNow()
	return s.conn.Close()
}

// SetInterfaces sets the indexes of all interfaces on which to receive. The error names those
// on which the socket cannot receive. It must be called whenever an interface has changed,
// because it also makes Tend check at once.
func (s *Socket) SetInterfaces(indexes []int) error {
	defer s.lookNow()
	var errs []error
	for _, index := range s.conn.Joined() {
		if !slices.Contains(indexes, index) {
			errs = append(errs, s.conn.Leave(index))
		}
	}
	for _, index := range indexes {
		errs = append(errs, s.conn.Join(index))
	}
	return errors.Join(errs...)
}

// Send sends a message out of an interface, from an address of the interface.
func (s *Socket) Send(m device.SendMLD, index int, from netip.Addr) error {
	return s.conn.Send(index, from, m.Destination, m.Payload, m.RouterAlert)
}

// Counters counts messages since the socket was opened or adopted.
func (s *Socket) Counters() packet.Counters { return s.conn.Counters() }
