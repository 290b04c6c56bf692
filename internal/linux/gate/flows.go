package gate

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Flow counts forwarded multicast packets of one outgoing interface, of scopes wider than
// the link: Held were dropped by the gate, Passed were let through, and Left reached the
// end of the postrouting hook. The counters begin at 0 when the table is made.
type Flow struct{ Held, Passed, Left uint64 }

// Flows reads the counters of the interfaces in [State.Counted]. It returns none while
// the table is unknown. Kernels before Linux 5.7 count nothing. The counters of a later
// stage are read later. So an early reading cannot make Left smaller than Passed.
func (g *Gate) Flows() (map[string]*Flow, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held == nil {
		return nil, nil
	}
	flows := make(map[string]*Flow)
	for _, set := range []int{heldSet, passedSet, leftSet} {
		err := g.socket.counters(setNames[set], func(name string, packets uint64) {
			f := flows[name]
			if f == nil {
				f = new(Flow)
				flows[name] = f
			}
			switch set {
			case heldSet:
				f.Held = packets
			case passedSet:
				f.Passed = packets
			case leftSet:
				f.Left = packets
			}
		})
		if err != nil {
			return nil, g.failed("read the gate's counters", err)
		}
	}
	return flows, nil
}

// head is the length of struct nfgenmsg, with which messages of nftables begin.
const head = 4

// counters reads the counters of a set of interface names. It decodes the messages itself,
// because the nftables library takes many times as long.
func (s *socket) counters(set string, f func(name string, packets uint64)) error {
	request := netlink.Attributes{unix.NFPROTO_IPV6, 0, 0, 0}
	request.String(unix.NFTA_SET_ELEM_LIST_TABLE, TableName)
	request.String(unix.NFTA_SET_ELEM_LIST_SET, set)
	const get = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETSETELEM
	err := s.Ask(get, unix.NLM_F_DUMP, request, func(m netlink.Message) {
		if len(m.Data) < head {
			return
		}
		for typ, list := range netlink.Attributes(m.Data[head:]).All() {
			if typ != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
				continue
			}
			for _, element := range netlink.Attributes(list).All() {
				if name, packets, ok := parseCounter(element); ok {
					f(name, packets)
				}
			}
		}
	})
	if err != nil {
		return fmt.Errorf("set %s: %w", set, err)
	}
	return nil
}

// parseCounter decodes an element of a set. It returns ok false if the element has no
// counter.
func parseCounter(element netlink.Attributes) (name string, packets uint64, ok bool) {
	for typ, v := range element.All() {
		switch typ {
		case unix.NFTA_SET_ELEM_KEY:
			name = netlink.Text(attribute(v, unix.NFTA_DATA_VALUE))
		case unix.NFTA_SET_ELEM_EXPR:
			if count := attribute(attribute(v, unix.NFTA_EXPR_DATA), unix.NFTA_COUNTER_PACKETS); len(count) == 8 {
				packets, ok = binary.BigEndian.Uint64(count), true
			}
		}
	}
	return name, packets, ok && name != ""
}

// attribute returns the value of an attribute, nil when there is none of the type.
func attribute(list netlink.Attributes, typ uint16) []byte {
	for t, v := range list.All() {
		if t == typ {
			return v
		}
	}
	return nil
}
