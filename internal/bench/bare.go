package bench

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"tandem/internal/linux/links"
	"tandem/internal/linux/mroute"
	"tandem/internal/linux/packet"
)

// bare is device a without a daemon. It shows the limit that the kernel sets. It reads
// reports from the same kind of socket. It does nothing with them, or only sets the entry
// for the first record of each report.
type bare struct {
	*network
	wire    *wire
	waiting *backlog
	conn    *packet.Conn
	table   *mroute.Table
	route   mroute.Route
	taken   atomic.Int64
	ended   chan error
}

// newBare starts a bare device, on one processor if cpu says so. It runs with priority
// over other programs, so that its result is the limit even on a busy machine.
func newBare(cpu int, setsEntries bool) (*bare, error) {
	n, table, err := bareTable()
	if err != nil {
		return nil, err
	}
	b := &bare{network: n, table: table, ended: make(chan error, 1)}
	if err := b.open(); err != nil {
		b.conn, b.ended = nil, nil
		b.close()
		return nil, err
	}
	go func() { b.ended <- urgent(cpu, func() error { return b.serve(setsEntries) }) }()
	return b, nil
}

func (b *bare) open() (err error) {
	if b.route, err = multicastLinks(b.network, b.table); err != nil {
		return err
	}
	err = b.spaces[deviceA].Do(func() (err error) {
		b.conn, err = packet.Open()
		return err
	})
	if err == nil {
		err = b.conn.Join(b.route.Outgoing[0])
	}
	if err == nil {
		b.wire, err = b.network.wire(hostLink(deviceA), false)
	}
	if err == nil {
		b.waiting, err = b.backlog(deviceA)
	}
	return err
}

func (b *bare) close() (err error) {
	if b.conn != nil {
		b.conn.Close()
		err = <-b.ended
	}
	if b.wire != nil {
		b.wire.close()
	}
	if b.waiting != nil {
		b.waiting.close()
	}
	return errors.Join(err, b.table.Close(), b.network.close())
}

// Offset of the group of the first record in an MLDv2 report. The sources follow it.
const groupAt = 8 + 4

func (b *bare) serve(setsEntries bool) error {
	batch := make([]packet.Message, packet.BatchSize)
	for {
		n, err := b.conn.Read(batch)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, m := range batch[:n] {
			if !setsEntries || len(m.Payload) < groupAt+32 {
				continue
			}
			b.route.Group = netip.AddrFrom16([16]byte(m.Payload[groupAt:]))
			if err := b.table.Set(b.route); err != nil {
				return err
			}
		}
		b.taken.Add(int64(n))
	}
}

// hasTaken returns a function that reports whether the device has read so many reports.
func (b *bare) hasTaken(reports int) func() error {
	return func() error {
		if got := b.taken.Load(); got < int64(reports) {
			return fmt.Errorf("%d of %d reports were read", got, reports)
		}
		return nil
	}
}

// bareTable is the forwarding table of a device without a daemon.
func bareTable() (*network, *mroute.Table, error) {
	n, err := newNetwork()
	if err != nil {
		return nil, nil, err
	}
	var table *mroute.Table
	err = n.spaces[deviceA].Do(func() (err error) {
		table, err = mroute.Open(0)
		return err
	})
	if err != nil {
		n.close()
		return nil, nil, err
	}
	return n, table, nil
}

// multicastLinks adds the upstream interface and the leg to a table. It returns a route
// from one to the other, without a group.
func multicastLinks(n *network, table *mroute.Table) (mroute.Route, error) {
	route := mroute.Route{Source: sourceAddr, Outgoing: make([]int, 1)}
	return route, n.inside(deviceA, func(h *links.Handle) error {
		for name, index := range map[string]*int{upstreamLink: &route.Upstream, legLink: &route.Outgoing[0]} {
			l, err := h.Link(name)
			if err != nil {
				return err
			}
			*index = l.Index
			if err := table.AddInterface(l.Index); err != nil {
				return err
			}
		}
		return nil
	})
}

// fill sets entries with routes from the upstream interface to the leg.
func fill(n *network, table *mroute.Table, entries int) error {
	route, err := multicastLinks(n, table)
	for i := 0; i < entries && err == nil; i++ {
		route.Group = groupAddr(i)
		err = table.Set(route)
	}
	return err
}
