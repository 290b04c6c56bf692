package mroute

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
)

// UpcallKind is the reason of an upcall.
type UpcallKind uint8

// Kinds of upcalls, with the numbers of MRT6MSG_*.
const (
	// NoCache: a packet has arrived that matches no entry. The kernel keeps the first packets
	// of the flow for 10 s and forwards them when Set makes an entry.
	NoCache UpcallKind = 1
	// WrongInterface: a packet matched an entry but arrived on another interface than its
	// upstream one. Only with ReportWrongInterface.
	WrongInterface UpcallKind = 2
)

func (k UpcallKind) String() string {
	switch k {
	case NoCache:
		return "no cache entry"
	case WrongInterface:
		return "wrong interface"
	}
	return fmt.Sprintf("upcall %d", uint8(k))
}

// Upcall reports a packet from Source to Group that arrived on an interface.
type Upcall struct {
	Kind          UpcallKind
	Ifindex       int
	Source, Group netip.Addr
}

// ReadUpcall waits for the next upcall. It returns net.ErrClosed after Close. It skips
// upcalls of interfaces that have left the table since.
func (t *Table) ReadUpcall() (Upcall, error) {
	for {
		n, err := t.sock.Read(t.upcall[:])
		if errors.Is(err, os.ErrClosed) {
			return Upcall{}, net.ErrClosed
		}
		if err != nil {
			return Upcall{}, fmt.Errorf("read multicast upcall: %w", err)
		}
		if u, mif, ok := parseUpcall(t.upcall[:n]); ok {
			t.mu.Lock()
			u.Ifindex = t.mifs[mif]
			t.mu.Unlock()
			if u.Ifindex != 0 {
				return u, nil
			}
		}
	}
}

// parseUpcall decodes struct mrt6msg. Its first byte is zero; an ICMPv6 packet would have its
// type there.
func parseUpcall(b []byte) (u Upcall, mif int, ok bool) {
	if len(b) < sizeofUpcall || b[0] != 0 {
		return u, 0, false
	}
	u.Kind = UpcallKind(b[1])
	mif = int(binary.NativeEndian.Uint16(b[2:]))
	u.Source = netip.AddrFrom16([16]byte(b[8:24]))
	u.Group = netip.AddrFrom16([16]byte(b[24:40]))
	return u, mif, (u.Kind == NoCache || u.Kind == WrongInterface) && mif < MaxInterfaces
}
