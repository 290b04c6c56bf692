package ebpf

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/fib/fibtest"
	"tandem/internal/fib/kernel"
	"tandem/internal/linux/testnet"
)

// kernelKind is the reference: the plane of the kernel.
var kernelKind = fibtest.Kind{
	Open: func(n *testnet.Node, r fib.Router, g device.Gate, left fib.Checkpoint) (plane fib.Plane, err error) {
		err = n.Do(func() (err error) { plane, err = kernel.Open(r, g, left); return err })
		return plane, err
	},
}

// TestAsTheKernelDoes: with the same routes, gate and packets, the same packets leave
// each interface as with the kernel's plane, byte for byte.
func TestAsTheKernelDoes(t *testing.T) {
	const rounds, packets = 20, 40
	ours, _ := newBed(t, device.Gate{})
	judge := fibtest.NewBed(t, kernelKind)
	judge.Open(device.Gate{})
	var received [2][2]func(netip.Addr) [][]byte
	for i, b := range []*fibtest.Bed{judge, ours} {
		for host := range 2 {
			received[i][host] = packetsAt(t, b.Hosts[host])
		}
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	some := func(of ...string) (list []string) {
		for _, s := range of {
			if random.IntN(2) == 0 {
				list = append(list, s)
			}
		}
		return list
	}
	passed := 0
	for round := range rounds {
		gate := device.Gate{Closed: some("d0", "d1"), Bucket0: some("d0", "d1"), Bucket1: some("d0", "d1")}
		var routes []device.RouteChange
		for i := range 8 {
			r := fibtest.Route(i, some("d0", "d1")...)
			r.Delete = random.IntN(8) == 0
			if routes = append(routes, r); random.IntN(4) == 0 {
				gate.Exceptions = append(gate.Exceptions, fibtest.Stream(i))
			}
		}
		for _, b := range []*fibtest.Bed{judge, ours} {
			b.SetGate(gate)
			b.SetRoutes(routes...)
		}
		for range packets {
			r := routes[random.IntN(len(routes))]
			p := testnet.Packet{
				Src: r.Source, Dst: r.Group, HopLimit: byte(random.IntN(5)), Next: unix.IPPROTO_UDP,
				Payload: make([]byte, 8+random.IntN(1400)),
			}
			for i := range p.Payload {
				p.Payload[i] = byte(random.Uint32())
			}
			judge.Source.Send(t, "s0", p)
			ours.Source.Send(t, "s0", p)
		}
		time.Sleep(20 * time.Millisecond) // so that the packets arrive
		for i := range 8 {
			group := fibtest.Stream(i).Group
			for host := range 2 {
				want, got := received[0][host](group), received[1][host](group)
				passed += len(want)
				if !slices.EqualFunc(want, got, bytes.Equal) {
					t.Fatalf("round %d, gate %+v, routes %+v: of stream %d the kernel sends %d packets to host %d, we send %d, or others",
						round, gate, routes, i, len(want), host, len(got))
				}
			}
		}
	}
	if passed < rounds {
		t.Errorf("only %d packets have passed", passed)
	}
	t.Logf("%d packets have passed", passed)
}

// packetsAt receives all packets of a node. The returned function returns those to a
// group since its last call.
func packetsAt(t *testing.T, n *testnet.Node) func(netip.Addr) [][]byte {
	t.Helper()
	fd := packetSocket(t, n)
	byGroup := make(map[netip.Addr][][]byte)
	return func(group netip.Addr) [][]byte {
		for quiet := false; !quiet; {
			b := make([]byte, 2000)
			size, from, err := unix.Recvfrom(fd, b, unix.MSG_DONTWAIT)
			if quiet = errors.Is(err, unix.EAGAIN); quiet {
				break
			}
			testnet.Must(t, err)
			if at, ok := from.(*unix.SockaddrLinklayer); ok && size >= headersSize && at.Pkttype != unix.PACKET_OUTGOING {
				to := netip.AddrFrom16([16]byte(b[atGroup:headersSize]))
				byGroup[to] = append(byGroup[to], b[ethernetSize:size])
			}
		}
		list := byGroup[group]
		delete(byGroup, group)
		return list
	}
}
