package mldio

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/packet"
)

// Router is whom the messages are for. Its methods may be called from any goroutine.
type Router interface {
	// Receive takes what one read has brought, in a turn, and the time of the read. It
	// may keep nothing of the events. It returns false when there are no turns any more.
	Receive(events []device.Event, readAt time.Time) bool
	// Name returns the Linux name of an interface index, empty when there is none.
	Name(index int) string
	// Emit tells people of an event.
	Emit(event.Event)
}

// Socket hears MLD on some interfaces and sends on any. SetInterfaces and HandOver are
// for whoever has the turn, Run is called once, all else may be called from any goroutine.
type Socket struct {
	conn   *packet.Conn
	router Router
	joined map[int]bool // by interface index
}

// Open makes a socket that hears nothing yet.
func Open(router Router) (*Socket, error) {
	conn, err := packet.Open()
	if err != nil {
		return nil, fmt.Errorf("MLD socket: %w", err)
	}
	return &Socket{conn, router, make(map[int]bool)}, nil
}

// Adopt goes on with what HandOver of another program has returned. It closes the file
// when it fails.
func Adopt(router Router, socket *os.File, joined []int) (*Socket, error) {
	fd, err := inherit.Descriptor(socket)
	if err != nil {
		return nil, fmt.Errorf("MLD socket: %w", err)
	}
	conn, err := packet.Adopt(fd)
	if err != nil {
		return nil, fmt.Errorf("MLD socket: %w", err)
	}
	s := &Socket{conn, router, make(map[int]bool)}
	for _, index := range joined {
		s.joined[index] = true
	}
	return s, nil
}

// HandOver returns the socket and the indexes of the interfaces on which it hears. Run
// must have ended. Messages wait in the socket.
func (s *Socket) HandOver() (socket *os.File, joined []int) {
	return s.conn.HandOver(), slices.Sorted(maps.Keys(s.joined))
}

// Close ends the socket and Run.
func (s *Socket) Close() error { return s.conn.Close() }

// SetInterfaces tells the indexes of all interfaces on which to hear, in place of those
// that were told before. The error says on which the socket cannot.
func (s *Socket) SetInterfaces(indexes []int) error {
	for index := range s.joined {
		if !slices.Contains(indexes, index) {
			delete(s.joined, index)
			_ = s.conn.Leave(index) // fails when the interface has gone, and with it what it undoes
		}
	}
	var errs []error
	for _, index := range indexes {
		if s.joined[index] {
			continue
		}
		if err := s.conn.Join(index); err != nil {
			errs = append(errs, fmt.Errorf("interface index %d: %w", index, err))
			continue
		}
		s.joined[index] = true
	}
	return errors.Join(errs...)
}

// Send sends a message out of an interface, from an address of it.
func (s *Socket) Send(m device.SendMLD, index int, from netip.Addr) error {
	return s.conn.Send(index, from, m.Destination, m.Payload, m.RouterAlert)
}

// Counters counts messages since the socket was opened or adopted.
func (s *Socket) Counters() packet.Counters { return s.conn.Counters() }
