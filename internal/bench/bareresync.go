package bench

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"tandem/internal/linux/links"
)

// bareRecord is the size in bytes of a record on the wire during a synchronisation.
const bareRecord = 31

// bareKey and bareValue are the smallest representation of a record in a database.
type bareKey struct {
	group uint32
	host  [16]byte
}

type bareValue struct {
	clock uint64
	_     time.Duration // when the record expires
}

// bareResync measures the limit of a resynchronisation: it sends as many bytes over the
// cable between the two devices, and stores the received records in a Go map.
func bareResync(records int) (took time.Duration, err error) {
	n, err := newNetwork()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	sender, receiver, err := n.connection()
	if err != nil {
		return 0, err
	}
	defer sender.Close()
	defer receiver.Close()
	start := time.Now()
	sent := make(chan error, 1)
	go func() { sent <- tellBare(sender, records) }()
	held, err := takeBare(receiver, records)
	took = time.Since(start)
	if err = errors.Join(err, <-sent); err == nil && held != records {
		err = fmt.Errorf("%d records, %d told", held, records)
	}
	return took, err
}

// connection opens a TCP connection between the two devices, over the cable between them.
func (n *network) connection() (a, b net.Conn, err error) {
	addrs := map[string]netip.Addr{deviceA: netip.MustParseAddr("2001:db8:c::a"), deviceB: netip.MustParseAddr("2001:db8:c::b")}
	for part, addr := range addrs {
		err := n.inside(part, func(h *links.Handle) error { return h.AddAddress(coreLink, netip.PrefixFrom(addr, 64)) })
		if err != nil {
			return nil, nil, err
		}
	}
	var listener *net.TCPListener
	err = n.spaces[deviceA].Do(func() (err error) {
		listener, err = net.ListenTCP("tcp6", net.TCPAddrFromAddrPort(netip.AddrPortFrom(addrs[deviceA], 7000)))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	err = n.spaces[deviceB].Do(func() (err error) {
		b, err = net.DialTCP("tcp6", nil, net.TCPAddrFromAddrPort(netip.AddrPortFrom(addrs[deviceA], 7000)))
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if a, err = listener.Accept(); err != nil {
		b.Close()
	}
	return a, b, err
}

// tellBare writes the records, group by group.
func tellBare(to io.Writer, records int) error {
	w := bufio.NewWriterSize(to, 1<<16)
	var record [bareRecord]byte
	for i := range records {
		host := hostAddr(i % manyHosts).As16()
		binary.BigEndian.PutUint32(record[:], uint32(i/manyHosts))
		copy(record[4:], host[:])
		if _, err := w.Write(record[:]); err != nil {
			return err
		}
	}
	return w.Flush()
}

// takeBare stores the records and returns their number.
func takeBare(from io.Reader, records int) (held int, err error) {
	r := bufio.NewReaderSize(from, 1<<16)
	database := make(map[bareKey]bareValue)
	var record [bareRecord]byte
	for range records {
		if _, err := io.ReadFull(r, record[:]); err != nil {
			return 0, err
		}
		key := bareKey{binary.BigEndian.Uint32(record[:]), [16]byte(record[4:])}
		database[key] = bareValue{clock: binary.BigEndian.Uint64(record[20:])}
	}
	return len(database), nil
}
