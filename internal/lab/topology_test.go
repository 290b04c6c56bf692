package lab

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/links"
	"tandem/internal/linux/mroute"
)

// testPlan returns a plan that does not collide with other labs, not even with those of
// another test run.
func testPlan(dir string) plan {
	return plan{prefix: fmt.Sprintf("tandem-test-%d", os.Getpid()), dir: dir}
}

// newTestTopology builds a network without any daemon.
func newTestTopology(t *testing.T) *topology {
	t.Helper()
	return newTopologyOf(t, testPlan(t.TempDir()))
}

func newTopologyOf(t *testing.T, p plan) *topology {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	if _, err := takeDown(p); err != nil {
		t.Fatal(err)
	}
	topo, err := buildTopology(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := topo.remove(); err != nil {
			t.Error(err)
		}
	})
	return topo
}

// standIn makes a device forward streams without a daemon, and join them upstream like an
// ordinary host.
func standIn(t *testing.T, topo *topology, device string, list ...stream) {
	t.Helper()
	up, err := topo.linkIndex(device, upstreamLink)
	if err != nil {
		t.Fatal(err)
	}
	down, err := topo.linkIndex(device, legLink)
	if err != nil {
		t.Fatal(err)
	}
	err = topo.spaces[device].Do(func() error {
		table, err := mroute.Open(0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { table.Close() })
		if err := errors.Join(table.AddInterface(up), table.AddInterface(down)); err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		for _, s := range list {
			r := mroute.Route{Source: sourceAddr, Group: s.group, Upstream: up, Outgoing: []int{down}}
			if err := table.Set(r); err != nil {
				return err
			}
			req := groupSourceReq(uint32(up), s.group, sourceAddr)
			if err := unix.SetsockoptString(fd, unix.IPPROTO_IPV6, unix.MCAST_JOIN_SOURCE_GROUP, string(req)); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, mroute.ErrUnsupported) {
		t.Skip("kernel without IPv6 multicast routing")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition; the limit only bounds a failing test.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// total returns how many packets a listener has received.
func (a *audience) total(l *listener) (n uint64) {
	a.look(func([]*listener) { n = l.tally.total })
	return n
}

func TestStreamsReachListenersThroughADevice(t *testing.T) {
	topo := newTestTopology(t)
	forwarded, notAsked := streams[0], streams[1]
	standIn(t, topo, deviceA, forwarded)
	src, err := startSource(topo, groupsOf(streams))
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	aud := newAudience(topo)
	defer aud.close()
	var served []*listener
	for _, h := range []int{1, 2} { // one host on each leg
		l, err := aud.add(membership{h, forwarded})
		if err != nil {
			t.Fatal(err)
		}
		served = append(served, l)
	}
	unserved, err := aud.add(membership{3, notAsked})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range served {
		eventually(t, l.String()+" receives", func() bool { return aud.total(l) > 500 })
	}
	if n := aud.total(unserved); n != 0 {
		t.Errorf("%d packets of a stream that no device forwards", n)
	}
	// The device receives only the streams that it has joined.
	if n := inPackets(t, topo, deviceA, upstreamLink); n > 3*src.position() {
		t.Errorf("%d packets came in upstream although one of %d streams was asked for, of %d packets", n, len(streams), src.position())
	}
}

// inPackets returns how many IPv6 multicast packets a link has received (RFC 4293,
// ipIfStatsInMcastPkts).
func inPackets(t *testing.T, topo *topology, part, link string) (n uint64) {
	t.Helper()
	err := topo.spaces[part].Do(func() error {
		b, err := os.ReadFile("/proc/thread-self/net/dev_snmp6/" + link)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == "Ip6InMcastPkts" {
				n, err = strconv.ParseUint(f[1], 10, 64)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSilentFaultsStopAndHeal(t *testing.T) {
	topo := newTestTopology(t)
	standIn(t, topo, deviceB, streams[0])
	src, err := startSource(topo, groupsOf(streams[:1]))
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	aud := newAudience(topo)
	defer aud.close()
	l, err := aud.add(membership{1, streams[0]})
	if err != nil {
		t.Fatal(err)
	}
	flows := func() bool {
		n := aud.total(l)
		time.Sleep(3 * readInterval)
		return aud.total(l) > n
	}
	for _, fault := range []struct {
		name         string
		inject, heal func() error
	}{
		{"isolated", func() error { return topo.isolate(deviceB) }, func() error { return topo.reconnect(deviceB) }},
		{"leg down", func() error { return topo.leg(deviceB, false) }, func() error { return topo.leg(deviceB, true) }},
		{"upstream down", func() error { return topo.upstream(deviceB, false) }, func() error { return topo.upstream(deviceB, true) }},
	} {
		eventually(t, "flows before "+fault.name, flows)
		if err := fault.inject(); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		eventually(t, "stops when "+fault.name, func() bool { return !flows() })
		if err := fault.heal(); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
	}
	eventually(t, "flows again at the end", flows)
	if err := topo.reconnect(deviceB); err != nil {
		t.Errorf("healing what is whole: %v", err)
	}
}

func TestSwitchMovesHostsOffADeadLeg(t *testing.T) {
	topo := newTestTopology(t)
	changed := make(chan string, 10)
	lag, err := startSwitch(topo, func(d string, up bool) {
		changed <- d + map[bool]string{true: " up", false: " down"}[up]
	})
	if err != nil {
		t.Fatal(err)
	}
	defer lag.close()
	// Both legs are reported up; then one goes down and comes up again.
	got := map[string]bool{<-changed: true, <-changed: true}
	if !got["a up"] || !got["b up"] {
		t.Fatalf("at start: %v", got)
	}
	// Hosts 1 and 4 use leg a, 2 and 3 leg b.
	if a, b := heard(t, topo, 1), heard(t, topo, 2); a != deviceA || b != deviceB {
		t.Errorf("host 1 is heard by %q, host 2 by %q", a, b)
	}
	for _, step := range []struct {
		up           bool
		event, heard string
	}{{false, "a down", deviceB}, {true, "a up", deviceA}} {
		if err := topo.setLink(deviceA, legLink, step.up); err != nil {
			t.Fatal(err)
		}
		if ev := <-changed; ev != step.event {
			t.Fatalf("event %q, want %q", ev, step.event)
		}
		if d := heard(t, topo, 1); d != step.heard {
			t.Errorf("%s: host 1 is heard by %q", step.event, d)
		}
	}
}

// heard returns the devices that receive a multicast packet of a host.
func heard(t *testing.T, topo *topology, host int) (by string) {
	t.Helper()
	group := streams[0].group
	sockets := make(map[string]int)
	for _, d := range devices {
		err := topo.spaces[d].Do(func() error {
			fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				return err
			}
			sockets[d] = fd
			index, err := interfaceIndex(legLink)
			if err != nil {
				return err
			}
			return errors.Join(
				unix.Bind(fd, &unix.SockaddrInet6{Port: dataPort, Addr: group.As16()}),
				unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
					&unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(index)}))
		})
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(sockets[d])
	}
	err := topo.spaces[hostPart(host)].Do(func() error {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		index, err := interfaceIndex(hostLink)
		if err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, index),
			unix.Sendto(fd, []byte("up"), 0, &unix.SockaddrInet6{Port: dataPort, Addr: group.As16()}))
	})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // time for a copy that must not arrive
	for _, d := range devices {
		if n, _, err := unix.Recvfrom(sockets[d], make([]byte, 16), 0); err == nil && n > 0 {
			by += d
		}
	}
	return by
}

func TestTakeDownAfterACrash(t *testing.T) {
	topo := newTestTopology(t)
	// The state after a crash: namespaces and a record, but no keeper.
	if _, err := newRecord(topo.plan); err != nil {
		t.Fatal(err)
	}
	r, err := loadRecord(topo.plan)
	if err != nil {
		t.Fatal(err)
	}
	r.Processes[0].Start++ // the keeper's process ID now belongs to another process
	if err := r.save(); err != nil {
		t.Fatal(err)
	}
	if found, err := takeDown(topo.plan); err != nil || !found {
		t.Fatalf("found %v, %v", found, err)
	}
	err = topo.inside("ce", func(*links.Handle) error { return nil })
	if err != nil {
		t.Fatal(err) // the open descriptors still keep the namespaces
	}
	again, err := buildTopology(topo.plan)
	if err != nil {
		t.Fatalf("not all was removed: %v", err)
	}
	if err := again.remove(); err != nil {
		t.Error(err)
	}
}
