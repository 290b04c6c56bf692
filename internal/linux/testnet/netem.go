package testnet

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Impair makes an interface of the node lose outgoing packets at random and delay the
// others. It uses the kernel's network emulator (sch_netem), which some kernels lack.
func (n *Node) Impair(t testing.TB, link string, loss float64, delay, jitter time.Duration) {
	t.Helper()
	ticks := func(d time.Duration) uint32 { return uint32(d.Nanoseconds() >> 6) } // in ticks of the packet scheduler, 64 ns each
	const queue = 1000
	// struct tc_netem_qopt: latency, limit, loss, gap, duplicate, jitter.
	var options []byte
	for _, v := range []uint32{ticks(delay), queue, uint32(loss * math.MaxUint32), 0, 0, ticks(jitter)} {
		options = binary.NativeEndian.AppendUint32(options, v)
	}
	// struct tcmsg: family, interface, handle, parent, info.
	const root = 0xffffffff // TC_H_ROOT
	message := make(netlink.Attributes, 4)
	for _, v := range []uint32{uint32(n.Interface(t, link).Index), 0, root, 0} {
		message = binary.NativeEndian.AppendUint32(message, v)
	}
	const kind, parameters = 1, 2 // TCA_KIND, TCA_OPTIONS
	message.String(kind, "netem")
	message.Bytes(parameters, options)
	n.rtnetlink(t, unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, message)
}
