package testnet

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Impair has an interface of the node lose what it sends at random and hold back the rest
// for a while, by the kernel's network emulator (sch_netem), which it may lack.
func (n *Node) Impair(t testing.TB, link string, loss float64, delay, jitter time.Duration) {
	t.Helper()
	ticks := func(d time.Duration) uint32 { return uint32(d.Nanoseconds() >> 6) } // of the packet scheduler
	const queue = 1000
	// struct tc_netem_qopt: latency, limit, loss, gap, duplicate, jitter.
	var options []byte
	for _, v := range []uint32{ticks(delay), queue, uint32(loss * math.MaxUint32), 0, 0, ticks(jitter)} {
		options = binary.NativeEndian.AppendUint32(options, v)
	}
	const kind, parameters = 1, 2 // TCA_KIND, TCA_OPTIONS
	ae := netlink.NewAttributeEncoder()
	ae.String(kind, "netem")
	ae.Bytes(parameters, options)
	attributes, err := ae.Encode()
	Must(t, err)
	// struct tcmsg: family, interface, handle, parent, info.
	const root = 0xffffffff // TC_H_ROOT
	message := make([]byte, 4)
	for _, v := range []uint32{uint32(n.Interface(t, link).Index), 0, root, 0} {
		message = binary.NativeEndian.AppendUint32(message, v)
	}
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{NetNS: n.FD()})
	Must(t, err)
	defer conn.Close()
	_, err = conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_NEWQDISC, Flags: netlink.Request | netlink.Acknowledge | netlink.Create | netlink.Replace},
		Data:   append(message, attributes...),
	})
	Must(t, err)
}
