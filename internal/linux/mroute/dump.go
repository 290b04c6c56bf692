package mroute

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Entry is an entry of the kernel's table, whichever program has made it. A (*,G) or
// (*,*) entry, which only other programs make, has unspecified addresses.
type Entry struct {
	Source, Group netip.Addr
	// Upstream and Outgoing are interface indexes. Interfaces that are no longer in the table
	// are left out; Upstream is 0 then.
	Upstream int
	Outgoing []int
	// Unresolved means that the entry is not set yet: packets wait for Set.
	Unresolved bool
	// Foreign means that a program other than the owner of the table has made or changed the
	// entry. Such an entry remains when the owner ends.
	Foreign bool
	Counters
	// Idle is the time since the last packet, or since the entry was made, in steps of 10 ms.
	Idle time.Duration
}

// Reader reads the forwarding table of the namespace in which it was opened. It need not own
// the table. Only one goroutine may use it.
type Reader struct {
	// Rest makes Each wait between two parts of the list: Rest times as long as the kernel
	// needed for the part. While the kernel makes a part, it blocks changes of the table
	// and of all links and routes.
	Rest int

	conn   *netlink.Conn
	table  uint32
	body   netlink.Attributes
	entry  Entry // its slice Outgoing is used again
	wanted bool  // false when the caller of Each wants no more entries
}

// told returns the number of a table as netlink messages contain it.
func told(table uint32) uint32 {
	if table == 0 {
		return unix.RT_TABLE_MAIN
	}
	return table
}

const (
	// familyIP6MR is RTNL_FAMILY_IP6MR.
	familyIP6MR = 129
	// longestRest bounds the wait between two parts of a list.
	longestRest = 50 * time.Millisecond
	// clockTick is the unit of RTA_EXPIRES. USER_HZ is 100 on all supported machines.
	clockTick = 10 * time.Millisecond
)

// NewReader opens a reader of a table, numbered as for [Open].
func NewReader(table uint32) (*Reader, error) {
	conn, err := netlink.Open(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("read the multicast forwarding table: %w", err)
	}
	return &Reader{conn: conn, table: told(table)}, nil
}

// Close ends the reader.
func (r *Reader) Close() error { return r.conn.Close() }

// Each calls f for every entry until f returns false. The entry is valid until f returns.
// Reading 10,000 entries takes 12 ms. 100,000 take half a second or more, because before
// each part the kernel walks over all entries that it has already sent; see Rest. The
// kernel makes the list part by part while the table changes. So an entry that is made
// during the list may be missing, and also an existing one if other entries are deleted.
// Check a missing entry with [Reader.Get]. When ctx ends, Each returns its error at once,
// and the reader must not be used any more.
func (r *Reader) Each(ctx context.Context, f func(*Entry) bool) error {
	r.wanted = true
	r.conn.Pause = func(took time.Duration) error { return r.rest(ctx, took) }
	err := r.conn.Ask(unix.RTM_GETROUTE, unix.NLM_F_DUMP, r.request(netip.Addr{}, netip.Addr{}), func(m netlink.Message) {
		if r.wanted && r.parse(m) {
			r.wanted = f(&r.entry)
		}
	})
	if err != nil {
		return fmt.Errorf("list the multicast forwarding table: %w", err)
	}
	return nil
}

// rest waits between two parts of a list, so that other programs can use the kernel's
// forwarding table.
func (r *Reader) rest(ctx context.Context, took time.Duration) error {
	if took *= time.Duration(r.Rest); r.wanted && took > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(min(took, longestRest)):
		}
	}
	return ctx.Err()
}

// Get returns one entry. It is valid until the reader is used again. If there is no such entry,
// the error wraps ErrNoRoute.
func (r *Reader) Get(source, group netip.Addr) (*Entry, error) {
	found := false
	err := r.conn.Ask(unix.RTM_GETROUTE, 0, r.request(source, group), func(m netlink.Message) {
		found = found || r.parse(m)
	})
	if errors.Is(err, unix.ENOENT) || err == nil && (!found || r.entry.Unresolved) {
		err = ErrNoRoute
	}
	if err != nil {
		return nil, fmt.Errorf("multicast forwarding entry (%s, %s): %w", source, group, err)
	}
	return &r.entry, nil
}

// request returns the body of RTM_GETROUTE for one entry, or for all entries.
func (r *Reader) request(source, group netip.Addr) []byte {
	// struct rtmsg: family, dst_len, src_len and more.
	r.body = append(r.body[:0], make([]byte, unix.SizeofRtMsg)...)
	r.body[0] = familyIP6MR
	if source.IsValid() {
		from, to := source.As16(), group.As16()
		r.body[1], r.body[2] = 128, 128
		r.body.Bytes(unix.RTA_SRC, from[:])
		r.body.Bytes(unix.RTA_DST, to[:])
		r.body.Uint32(unix.RTA_TABLE, r.table)
	}
	return r.body
}

// parse decodes a message into the reader's entry.
func (r *Reader) parse(m netlink.Message) bool {
	return m.Type == unix.RTM_NEWROUTE && parseEntry(m.Data, r.table, &r.entry)
}

// parseEntry decodes a route message. It returns false for a message of another kind or table.
func parseEntry(b []byte, table uint32, e *Entry) bool {
	if len(b) < unix.SizeofRtMsg || b[0] != familyIP6MR {
		return false
	}
	flags := binary.NativeEndian.Uint32(b[8:])
	*e = Entry{Outgoing: e.Outgoing[:0], Foreign: b[5] == unix.RTPROT_STATIC, Unresolved: flags&unix.RTNH_F_UNRESOLVED != 0}
	of := uint32(b[4])
	for typ, v := range netlink.Attributes(b[unix.SizeofRtMsg:]).All() {
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
		case typ == unix.RTA_EXPIRES && len(v) == 8: // the time since the last use, despite its name
			e.Idle = time.Duration(min(binary.NativeEndian.Uint64(v), 1<<36)) * clockTick
		}
	}
	return of == table && e.Source.IsValid() && e.Group.IsValid()
}

// appendNexthops appends the interfaces of RTA_MULTIPATH.
func appendNexthops(list []int, b []byte) []int {
	for len(b) >= unix.SizeofRtNexthop {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			break
		}
		list = append(list, int(binary.NativeEndian.Uint32(b[4:])))
		b = b[min((size+3)&^3, len(b)):] // RTNH_ALIGN
	}
	return list
}
