package mroute

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Entry is an entry as the kernel holds it, whoever has made it. Of a (*,G) or
// (*,*) entry, which this package makes none of, the addresses are unspecified.
type Entry struct {
	Source, Group netip.Addr
	// Upstream and Outgoing are interface indexes. An interface that has left
	// the table is not told: Upstream is 0 then.
	Upstream int
	Outgoing []int
	// Unresolved says that it is none yet: packets wait for Set.
	Unresolved bool
	// Foreign says that another program than the owner of the table has made or
	// changed it at some time. It outlives the owner.
	Foreign bool
	Counters
	// Idle is how long ago it was made or the last packet came, in steps of 10 ms.
	Idle time.Duration
}

// Reader reads the forwarding table of the namespace that it was opened in. It
// need not own the table. It is for one goroutine.
type Reader struct {
	// Rest is how many times as long as the kernel took for a part of the list
	// Each waits before it asks for the next one. The kernel holds up changes of the
	// table, and of all links and routes, while it makes a part.
	Rest int

	fd    int
	table uint32
	seq   uint32
	buf   []byte
	entry Entry // whose Outgoing is used again
}

// told is the number of a table in what the kernel tells.
func told(table uint32) uint32 {
	if table == 0 {
		return unix.RT_TABLE_MAIN
	}
	return table
}

const (
	// dumpBuffer takes the largest message that the kernel makes of a dump.
	dumpBuffer = 64 << 10
	// familyIP6MR is RTNL_FAMILY_IP6MR.
	familyIP6MR = 129
	// longestRest bounds the wait between two parts of a list.
	longestRest = 50 * time.Millisecond
	// clockTick is the unit of RTA_EXPIRES, USER_HZ being 100 everywhere.
	clockTick = 10 * time.Millisecond
)

// NewReader opens a reader of a table, numbered as for [Open].
func NewReader(table uint32) (*Reader, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("read the multicast forwarding table: %w", err)
	}
	return &Reader{fd: fd, table: told(table), buf: make([]byte, dumpBuffer)}, nil
}

// Close ends the reader.
func (r *Reader) Close() error { return unix.Close(r.fd) }

// Each calls f for every entry, until it returns false. The entry is valid
// until f returns. A table of 10,000 takes 12 ms, one of 100,000 half a second
// or more, as the kernel goes through all that it has told before each part; see
// Rest. The kernel lists its table part by part while it changes: an
// entry made meanwhile may be missing, and so may a lasting one when others are
// deleted; ask with [Reader.Get] before believing that.
func (r *Reader) Each(f func(*Entry) bool) error {
	if err := r.ask(unix.NLM_F_DUMP, netip.Addr{}, netip.Addr{}); err != nil {
		return fmt.Errorf("list the multicast forwarding table: %w", err)
	}
	wanted := true
	for {
		begin := time.Now()
		n, err := r.read()
		took := time.Since(begin)
		done := false
		if err == nil {
			done, err = r.parse(r.buf[:n], func(e *Entry) { wanted = wanted && f(e) })
		}
		if err != nil {
			return fmt.Errorf("list the multicast forwarding table: %w", err)
		}
		if done {
			return nil
		}
		if wanted {
			time.Sleep(min(took*time.Duration(r.Rest), longestRest))
		}
	}
}

// Get asks for one entry. It is valid until the reader is used again. The error
// wraps ErrNoRoute when there is none.
func (r *Reader) Get(source, group netip.Addr) (*Entry, error) {
	var found *Entry
	err := r.ask(0, source, group)
	var n int
	if err == nil {
		n, err = r.read()
	}
	if err == nil {
		_, err = r.parse(r.buf[:n], func(e *Entry) { found = e })
	}
	if errors.Is(err, unix.ENOENT) || err == nil && (found == nil || found.Unresolved) {
		err = ErrNoRoute
	}
	if err != nil {
		return nil, fmt.Errorf("multicast forwarding entry (%s, %s): %w", source, group, err)
	}
	return found, nil
}

// ask sends RTM_GETROUTE.
func (r *Reader) ask(flags uint16, source, group netip.Addr) error {
	r.seq++
	b := append(r.buf[:0], make([]byte, unix.SizeofNlMsghdr+unix.SizeofRtMsg)...)
	binary.NativeEndian.PutUint16(b[4:], unix.RTM_GETROUTE)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|flags)
	binary.NativeEndian.PutUint32(b[8:], r.seq)
	b[unix.SizeofNlMsghdr] = familyIP6MR
	if source.IsValid() {
		b[unix.SizeofNlMsghdr+1], b[unix.SizeofNlMsghdr+2] = 128, 128
		b = appendAttribute(b, unix.RTA_SRC, source.AsSlice())
		b = appendAttribute(b, unix.RTA_DST, group.AsSlice())
		b = appendAttribute(b, unix.RTA_TABLE, binary.NativeEndian.AppendUint32(nil, r.table))
	}
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	return unix.Sendto(r.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

func appendAttribute(b []byte, typ uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	return append(b, value...)
}

// read reads one datagram of the answer. The kernel makes the next one meanwhile.
func (r *Reader) read() (int, error) {
	for {
		n, _, err := unix.Recvfrom(r.fd, r.buf, 0)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// parse hands over the entries of a datagram.
func (r *Reader) parse(b []byte, f func(*Entry)) (done bool, err error) {
	for {
		m, rest, ok := nextMessage(b)
		if !ok {
			return false, nil
		}
		b = rest
		switch {
		case m.seq != r.seq:
		case m.typ == unix.NLMSG_DONE:
			return true, nil
		case m.typ == unix.NLMSG_ERROR && len(m.body) >= 4:
			if code := int32(binary.NativeEndian.Uint32(m.body)); code != 0 {
				return true, unix.Errno(-code)
			}
		case m.typ == unix.RTM_NEWROUTE && parseEntry(m.body, r.table, &r.entry):
			f(&r.entry)
		}
	}
}

// message is one netlink message.
type message struct {
	typ  uint16
	seq  uint32
	body []byte
}

// nextMessage splits the first message off a datagram.
func nextMessage(b []byte) (m message, rest []byte, ok bool) {
	if len(b) < unix.SizeofNlMsghdr {
		return m, nil, false
	}
	size := int(binary.NativeEndian.Uint32(b))
	if size < unix.SizeofNlMsghdr || size > len(b) {
		return m, nil, false
	}
	m = message{binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint32(b[8:]), b[unix.SizeofNlMsghdr:size]}
	return m, b[min(align4(size), len(b)):], true
}

func align4(n int) int { return (n + 3) &^ 3 }

// parseEntry decodes a route message; it is false for one of another kind or table.
func parseEntry(b []byte, table uint32, e *Entry) bool {
	if len(b) < unix.SizeofRtMsg || b[0] != familyIP6MR {
		return false
	}
	flags := binary.NativeEndian.Uint32(b[8:])
	*e = Entry{Outgoing: e.Outgoing[:0], Foreign: b[5] == unix.RTPROT_STATIC, Unresolved: flags&unix.RTNH_F_UNRESOLVED != 0}
	of := uint32(b[4])
	eachAttribute(b[unix.SizeofRtMsg:], func(typ uint16, v []byte) {
		switch {
		case typ == unix.RTA_TABLE && len(v) == 4:
			of = binary.NativeEndian.Uint32(v)
		case typ == unix.RTA_SRC && len(v) == 16:
			e.Source = netip.AddrFrom16([16]byte(v))
		case typ == unix.RTA_DST && len(v) == 16:
			e.Group = netip.AddrFrom16([16]byte(v))
		case typ == unix.RTA_IIF && len(v) == 4:
			e.Upstream = int(binary.NativeEndian.Uint32(v))
		case typ == unix.RTA_MULTIPATH:
			e.Outgoing = appendNexthops(e.Outgoing, v)
		case typ == unix.RTA_MFC_STATS && len(v) >= 24:
			e.Packets, e.Bytes = binary.NativeEndian.Uint64(v), binary.NativeEndian.Uint64(v[8:])
			e.WrongIf = binary.NativeEndian.Uint64(v[16:])
		case typ == unix.RTA_EXPIRES && len(v) == 8: // since the last use, whatever its name
			e.Idle = time.Duration(min(binary.NativeEndian.Uint64(v), 1<<36)) * clockTick
		}
	})
	return of == table && e.Source.IsValid() && e.Group.IsValid()
}

// appendNexthops takes the interfaces out of RTA_MULTIPATH.
func appendNexthops(list []int, b []byte) []int {
	for len(b) >= unix.SizeofRtNexthop {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			break
		}
		list = append(list, int(binary.NativeEndian.Uint32(b[4:])))
		b = b[min(align4(size), len(b)):]
	}
	return list
}

// eachAttribute goes through rtnetlink attributes up to the first that is cut short.
func eachAttribute(b []byte, f func(typ uint16, value []byte)) {
	for len(b) >= unix.SizeofRtAttr {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtAttr || size > len(b) {
			return
		}
		f(binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER), b[unix.SizeofRtAttr:size])
		b = b[min(align4(size), len(b)):]
	}
}
