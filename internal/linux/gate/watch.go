package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Watcher reports when another program changes the gate's table. Only a table without
// protection needs one. While a watcher listens, the kernel makes a notice of every change,
// also of the gate's own.
type Watcher struct{ sub *netlink.Subscription }

// watchBuffer holds the notices of some thousand changes, in bytes. If it overflows, the
// table may have been changed.
const watchBuffer = 1 << 20

// Watch begins to watch the table.
func (g *Gate) Watch() (*Watcher, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := &Watcher{}
	err := g.inside(func() error {
		own, err := g.socket.Port()
		if err == nil {
			w.sub, err = netlink.Subscribe(unix.NETLINK_NETFILTER, watchBuffer, notFrom(own), unix.NFNLGRP_NFTABLES)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("watch nftables: %w", err)
	}
	return w, nil
}

// notFrom is a socket filter that drops notices of changes made through one netlink port.
// All messages of a datagram come from the same port.
func notFrom(port uint32) netlink.Filter {
	// The filter reads in network byte order. The kernel has written the value in the byte
	// order of the machine.
	const portAt = 12 // nlmsg_pid
	k := binary.BigEndian.Uint32(binary.NativeEndian.AppendUint32(nil, port))
	return netlink.Filter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: portAt},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: k},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: ^uint32(0)},
	}
}

// Wait waits until another program has changed the table, or may have changed it. After
// Close it returns net.ErrClosed.
func (w *Watcher) Wait() error {
	for changed := false; !changed; {
		overrun, err := w.sub.Receive(func(b []byte) bool {
			changed = changed || ofGate(b)
			return true
		})
		if err != nil && !errors.Is(err, net.ErrClosed) {
			err = fmt.Errorf("watch nftables: %w", err)
		}
		if err != nil {
			return err
		}
		changed = changed || overrun
	}
	return nil
}

// Close ends the watcher and a waiting Wait.
func (w *Watcher) Close() error { return w.sub.Close() }

// ofGate reports whether one of the notices in a datagram is about the gate's table or
// something in it.
func ofGate(b []byte) bool {
	for {
		m, rest, ok := netlink.NextMessage(b)
		if !ok {
			return false
		}
		// In messages of all kinds, this attribute has the name of the table.
		if m.Type>>8 == unix.NFNL_SUBSYS_NFTABLES && len(m.Data) >= head && m.Data[0] == unix.NFPROTO_IPV6 {
			for typ, v := range netlink.Attributes(m.Data[head:]).All() {
				if typ == unix.NFTA_TABLE_NAME && netlink.Text(v) == TableName {
					return true
				}
			}
		}
		b = rest
	}
}
