package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// crowd is many slow streams with one listener each, in addition to the streams of the
// table. It shows that a fault of one stream does not affect the others.
type crowd struct {
	topo    *topology
	size    int
	send    int   // the source's socket
	receive int   // the socket of the host that receives the packets
	holders []int // the sockets of the host that have joined the groups
	round   atomic.Uint32
	stop    atomic.Bool
	done    sync.WaitGroup

	mu   sync.Mutex
	seen [][]uint8 // number of copies received, by stream and round
}

const (
	crowdHost   = 3
	crowdPort   = dataPort + 1
	crowdJoined = 100 // number of groups that one socket joins; the kernel limits the memory for the groups of a socket
	// crowdRound is the time between two packets of a stream. The packets of a round are
	// sent in parts, crowdStep apart.
	crowdRound = 200 * time.Millisecond
	crowdStep  = 5 * time.Millisecond
	// crowdLearn is how many packets of each stream are sent before the fault, so that
	// the devices have measured its interval.
	crowdLearn = 8
)

// crowdSize makes a thousand streams, together with those of the table. An emulated
// machine is too slow for so many.
var crowdSize = map[bool]int{false: 992, true: 24}[pace.emulated()]

func crowdGroup(i int) netip.Addr {
	a := netip.MustParseAddr("ff1e::2:0").As16()
	binary.BigEndian.PutUint16(a[14:], uint16(i))
	return netip.AddrFrom16(a)
}

// startCrowd makes the host join and the source send. It returns when every stream has
// arrived for a while.
func startCrowd(ctx context.Context, t *topology, size int) (*crowd, error) {
	c := &crowd{topo: t, size: size, send: -1, receive: -1, seen: make([][]uint8, size)}
	err := t.spaces["src"].Do(func() (err error) {
		s := source{fd: -1}
		err = s.open()
		c.send = s.fd
		return err
	})
	if err == nil {
		err = t.spaces[hostPart(crowdHost)].Do(c.join)
	}
	if err == nil {
		c.done.Go(c.run)
		c.done.Go(c.read)
		err = poll(ctx, healLimit, c.learnt)
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("%d streams: %w", size, err)
	}
	return c, nil
}

// join opens the host's sockets. One socket receives the packets of all groups that the
// others have joined.
func (c *crowd) join() (err error) {
	index, err := interfaceIndex(hostLink)
	if err != nil {
		return err
	}
	if c.receive, err = unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if unix.SetsockoptInt(c.receive, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		_ = unix.SetsockoptInt(c.receive, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	wait := unix.Timeval{Usec: 100_000}
	if err := unix.SetsockoptTimeval(c.receive, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return err
	}
	if err := unix.Bind(c.receive, &unix.SockaddrInet6{Port: crowdPort}); err != nil {
		return err
	}
	for i := range c.size {
		if i%crowdJoined == 0 {
			fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			c.holders = append(c.holders, fd)
		}
		req := &unix.IPv6Mreq{Multiaddr: crowdGroup(i).As16(), Interface: uint32(index)}
		if err := unix.SetsockoptIPv6Mreq(c.holders[len(c.holders)-1], unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, req); err != nil {
			return err
		}
	}
	return nil
}

// run sends one packet of each stream in each round, spread over the round.
func (c *crowd) run() {
	tick := time.NewTicker(crowdStep)
	defer tick.Stop()
	const steps = int(crowdRound / crowdStep)
	var b [8]byte
	for step := 0; !c.stop.Load(); step = (step + 1) % steps {
		<-tick.C
		for i := step; i < c.size; i += steps {
			binary.BigEndian.PutUint32(b[:], uint32(i))
			binary.BigEndian.PutUint32(b[4:], c.round.Load())
			_ = unix.Sendto(c.send, b[:], 0, &unix.SockaddrInet6{Port: crowdPort, Addr: crowdGroup(i).As16()})
		}
		if step == steps-1 {
			c.round.Add(1)
		}
	}
}

// read records the packets that the host receives.
func (c *crowd) read() {
	b := make([]byte, 16)
	for !c.stop.Load() {
		n, _, err := unix.Recvfrom(c.receive, b, 0)
		if err != nil || n != 8 {
			continue
		}
		i, round := int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:]))
		if i >= c.size || round > len(c.seen[i])+ahead {
			continue
		}
		c.mu.Lock()
		for len(c.seen[i]) <= round {
			c.seen[i] = append(c.seen[i], 0)
		}
		c.seen[i][round]++
		c.mu.Unlock()
	}
}

// learnt returns nil when every stream has arrived in each of the latest rounds.
func (c *crowd) learnt() error {
	now := c.round.Load()
	if now < crowdLearn+1 {
		return errors.New("they have begun only now")
	}
	if lost := c.lost(now-crowdLearn-1, now-1); lost > 0 {
		return fmt.Errorf("%d packets of the last %d rounds are missing", lost, crowdLearn)
	}
	return nil
}

// lost counts the lost packets of the rounds from <= round < to.
func (c *crowd) lost(from, to uint32) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, seen := range c.seen {
		for r := int(from); r < int(to); r++ {
			if r >= len(seen) || seen[r] == 0 {
				n++
			}
		}
	}
	return n
}

// close stops the source and leaves the groups.
func (c *crowd) close() {
	if c == nil {
		return
	}
	c.stop.Store(true)
	c.done.Wait()
	for _, fd := range append(c.holders, c.send, c.receive) {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
