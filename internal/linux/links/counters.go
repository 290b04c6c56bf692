package links

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Counters are what the kernel counts of an interface (struct rtnl_link_stats64).
type Counters struct{ In, Out Traffic }

// Traffic is one direction of an interface.
type Traffic struct{ Packets, Bytes, Errors, Dropped uint64 }

// Counters returns the counters of all interfaces by name.
func (h *Handle) Counters() (map[string]Counters, error) {
	msgs, err := h.linkMessages()
	if err != nil {
		return nil, err
	}
	all := make(map[string]Counters, len(msgs))
	for _, m := range msgs {
		if name, c, ok := parseCounters(m.Data); ok {
			all[name] = c
		}
	}
	return all, nil
}

// countersSize is the size of the fields that are read, in the order of the structure: packets,
// bytes, errors and dropped packets, each received and sent.
const countersSize = 8 * 8

// parseCounters decodes the counters of a link message; ok is false if there are none.
func parseCounters(b []byte) (name string, c Counters, ok bool) {
	if len(b) < unix.SizeofIfInfomsg {
		return "", c, false
	}
	for typ, v := range netlink.Attributes(b[unix.SizeofIfInfomsg:]).All() {
		switch {
		case typ == unix.IFLA_IFNAME:
			name = netlink.Text(v)
		case typ == unix.IFLA_STATS64 && len(v) >= countersSize:
			ok = true
			for i, field := range []*uint64{&c.In.Packets, &c.Out.Packets, &c.In.Bytes, &c.Out.Bytes,
				&c.In.Errors, &c.Out.Errors, &c.In.Dropped, &c.Out.Dropped} {
				*field = binary.NativeEndian.Uint64(v[8*i:])
			}
		}
	}
	return name, c, ok && name != ""
}
