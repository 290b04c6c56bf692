package bfdloop_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/daemon/bfdloop"
	"tandem/internal/linux/testnet"
)

// BenchmarkDetection measures how long a loss goes unnoticed, by this implementation and, in
// the same run, by FRR's bfdd; both with 10 ms x 3. The peer of both is one of our loops. A cut
// drops packets in both directions; a silent drop drops only those towards the device under
// test. The measured end is the first packet with state Down that the device sends. Run it as
//
//	go test ./internal/daemon/bfdloop -run '^$' -bench Detection -benchtime 200x
//
// Each iteration is one loss. "from-last" is the time since the last packet that the device
// received; it should be the detection time of 30 ms. "from-loss" is the time since the loss.
func BenchmarkDetection(b *testing.B) {
	for _, kind := range []string{"cut", "silent-drop"} {
		for _, device := range []string{"tandem", "bfdd"} {
			b.Run(kind+"/"+device, func(b *testing.B) { detection(b, device, kind == "cut") })
		}
	}
}

// sessionsInParallel sessions are lost independently of each other, so that 200 losses take
// seconds.
const sessionsInParallel = 20

func detection(b *testing.B, device string, cut bool) {
	dut, peer := newPair(b, bfdloop.SelfHelper())
	duts, peers := many(b, dut, peer, sessionsInParallel, 10*time.Millisecond)
	for i := range peers {
		peers[i].RemoteDiscriminator = 0 // bfdd chooses its own
	}
	if device == "bfdd" {
		serveBFDD(b, dut, duts)
	} else {
		dut.start(duts...)
	}
	peer.start(peers...)
	d := &losses{peer: peer, cut: newCutter(b, peer, cut), tap: newTap(b, dut)}
	awaitAll(b, peer, 30*time.Millisecond)
	queue := make(chan struct{}, b.N)
	for range b.N {
		queue <- struct{}{}
	}
	close(queue)
	b.ResetTimer()
	var all sync.WaitGroup
	for _, c := range peers {
		all.Go(func() {
			for range queue {
				d.awaitUp(c.Name)
				time.Sleep(rand.N(100 * time.Millisecond))
				d.lose(c.Local)
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(len(d.fromLoss)), "losses")
	b.ReportMetric(float64(d.missed), "disturbed")
	if len(d.fromLast) > 0 {
		slices.Sort(d.fromLast)
		slices.Sort(d.fromLoss)
		b.ReportMetric(ms(d.fromLast[len(d.fromLast)/2]), "from-last-median-ms")
		b.ReportMetric(ms(d.fromLast[len(d.fromLast)-1]), "from-last-max-ms")
		// The maximum is not reported, because it would show how late the kernel applied
		// the cutter's rule.
		b.ReportMetric(ms(d.fromLoss[len(d.fromLoss)/2]), "from-loss-median-ms")
	}
	b.ReportMetric(0, "ns/op")
}

// losses are the measurements of one run.
type losses struct {
	peer *end
	cut  *cutter
	tap  *tap

	mu                 sync.Mutex
	fromLast, fromLoss []time.Duration
	missed             int // the session was already down
}

// lose drops the packets of one session until the loss is detected.
func (d *losses) lose(address netip.Addr) {
	d.tap.arm(address, time.Now())
	at, err := d.cut.set(address, true)
	if err != nil {
		d.peer.t.Error(err)
		return
	}
	var seen sighting
	for deadline := at.Add(10 * time.Second); seen.down.IsZero() && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		seen = d.tap.look(address)
	}
	if _, err := d.cut.set(address, false); err != nil {
		d.peer.t.Error(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if seen.down.IsZero() || seen.down.Before(at) || !seen.wasUp {
		d.missed++
		return
	}
	d.fromLast = append(d.fromLast, seen.silent)
	d.fromLoss = append(d.fromLoss, seen.down.Sub(at))
}

// awaitUp waits until a session has been Up for a while.
func (d *losses) awaitUp(name string) {
	for range 400 {
		for _, s := range d.peer.loop.Snapshot() {
			if s.Name == name && s.State == bfd.Up && s.DetectTime == 30*time.Millisecond && s.Since > 300*time.Millisecond {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// serveBFDD runs FRR's daemon with these sessions, as its Debian package does.
func serveBFDD(b *testing.B, e *end, sessions []bfd.Config) {
	b.Helper()
	if tool := missing([]string{bfddPath}); tool != "" {
		b.Skipf("needs %s", tool)
	}
	dir, err := os.MkdirTemp("", "bfd")
	testnet.Must(b, err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	testnet.Must(b, giveToFRR(dir))
	text := "bfd\n"
	for _, s := range sessions {
		text += fmt.Sprintf(" peer %v local-address %v\n  receive-interval 10\n  transmit-interval 10\n exit\n", s.Peer, s.Local)
	}
	testnet.Must(b, os.WriteFile(dir+"/bfdd.conf", []byte(text+"exit\n"), 0o644))
	cmd := exec.Command(bfddPath, bfddArgs(dir)...)
	testnet.Must(b, e.Node.Start(cmd))
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// cutter drops the packets of chosen addresses at the peer's interface.
type cutter struct {
	mu   sync.Mutex
	conn *nftables.Conn
	sets []*nftables.Set
}

// newCutter drops packets from a lost address, and with bothWays also packets to it.
func newCutter(b *testing.B, e *end, bothWays bool) *cutter {
	b.Helper()
	conn, err := nftables.New(nftables.WithNetNSFd(e.FD()))
	testnet.Must(b, err)
	c := &cutter{conn: conn}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: "cut"})
	drop := func(name string, hook *nftables.ChainHook, offset uint32) {
		chain := conn.AddChain(&nftables.Chain{Name: name, Table: table, Type: nftables.ChainTypeFilter,
			Hooknum: hook, Priority: nftables.ChainPriorityFilter, Device: "bfd0"})
		set := &nftables.Set{Table: table, Name: name, KeyType: nftables.TypeIP6Addr}
		testnet.Must(b, conn.AddSet(set, nil))
		conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
			&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(unix.ETH_P_IPV6)},
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 16},
			&expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID},
			&expr.Verdict{Kind: expr.VerdictDrop},
		}})
		c.sets = append(c.sets, set)
	}
	drop("out", nftables.ChainHookEgress, offsetSource)
	if bothWays {
		drop("in", nftables.ChainHookIngress, offsetDestination)
	}
	testnet.Must(b, conn.Flush())
	return c
}

// Offsets in an IPv6 packet.
const (
	offsetNextHeader  = 6
	offsetSource      = 8
	offsetDestination = 24
	offsetPort        = 40 + 2 // offset of the destination port in UDP
	offsetControl     = 40 + 8
)

// set drops the packets of an address, or lets them pass again. It returns the moment
// just before the rule is sent to the kernel.
func (c *cutter) set(address netip.Addr, lost bool) (at time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := []nftables.SetElement{{Key: address.AsSlice()}}
	for _, set := range c.sets {
		if lost {
			err = c.conn.SetAddElements(set, element)
		} else {
			err = c.conn.SetDeleteElements(set, element)
		}
		if err != nil {
			return at, err
		}
	}
	at = time.Now()
	return at, c.conn.Flush()
}

// tap captures the control packets that a device sends and receives.
type tap struct {
	fd       int
	mu       sync.Mutex
	sessions map[netip.Addr]sighting // by the peer's address
}

type sighting struct {
	armed  time.Time
	last   time.Time     // time of the latest packet received
	down   time.Time     // time of the first packet with state Down sent since arm
	silent time.Duration // time between that packet and the packet received before it
	up     bool          // the latest packet sent had state Up
	wasUp  bool          // the packet sent before the first Down had state Up
}

func newTap(b *testing.B, e *end) *tap {
	b.Helper()
	t := &tap{sessions: make(map[netip.Addr]sighting)}
	e.In(b, func() (err error) {
		all := int(binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL)))
		if t.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, all); err != nil {
			return err
		}
		// Room for packets that arrive while this process does not get the CPU.
		if err = unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20); err != nil {
			return err
		}
		return unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	b.Cleanup(func() { unix.Close(t.fd) })
	testnet.Must(b, unix.SetsockoptTimeval(t.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				t.read()
			}
		}
	}()
	b.Cleanup(func() { close(stop); <-stopped })
	return t
}

// read notes one packet.
func (t *tap) read() {
	var p, control [256]byte
	n, cn, _, from, err := unix.Recvmsg(t.fd, p[:], control[:], 0)
	link, ok := from.(*unix.SockaddrLinklayer)
	if err != nil || !ok || n <= offsetControl || p[offsetNextHeader] != unix.IPPROTO_UDP ||
		binary.BigEndian.Uint16(p[offsetPort:]) != bfd.SingleHopPort {
		return
	}
	messages, err := unix.ParseSocketControlMessage(control[:cn])
	if err != nil || len(messages) == 0 {
		return
	}
	at := time.Unix(int64(binary.NativeEndian.Uint64(messages[0].Data)), int64(binary.NativeEndian.Uint64(messages[0].Data[8:])))
	var c bfd.Packet
	if c.Parse(p[offsetControl:n]) != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if link.Pkttype != unix.PACKET_OUTGOING {
		peer := netip.AddrFrom16([16]byte(p[offsetSource:offsetDestination]))
		s := t.sessions[peer]
		s.last = at
		t.sessions[peer] = s
		return
	}
	peer := netip.AddrFrom16([16]byte(p[offsetDestination : offsetDestination+16]))
	s := t.sessions[peer]
	if s.down.IsZero() && c.State == bfd.Down && at.After(s.armed) {
		s.down, s.silent, s.wasUp = at, at.Sub(s.last), s.up
	}
	s.up = c.State == bfd.Up
	t.sessions[peer] = s
}

// arm starts to wait for the next Down packet after now. Packets sent before may still be read.
func (t *tap) arm(peer netip.Addr, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sessions[peer]
	s.armed, s.down = now, time.Time{}
	t.sessions[peer] = s
}

func (t *tap) look(peer netip.Addr) sighting {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sessions[peer]
}
