package pairtest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tandem/internal/linux/testnet"
)

// TestStoppedDaemon stops a daemon until its peer has lost it by BFD and by hellos, and
// then continues it. No listener misses a packet, because the kernel of the stopped
// device forwards its share meanwhile. When it continues, its outdated state does not
// make both devices send for long. This is done twice, for each device. The simulation
// tests the order in which the daemon reads the waiting messages.
func TestStoppedDaemon(t *testing.T) {
	p := newPair(t)
	p.start()
	groups := []netip.Addr{ssmGroup, netip.MustParseAddr("ff3e::8000:2")} // one stream of each bucket
	src := p.stream(groups...)
	var listeners []*listener
	for _, g := range groups {
		l := p.join(g, sourceAddr)
		l.awaits(src)
		listeners = append(listeners, l)
	}
	p.forms(len(groups))
	for range 2 {
		for stopped, other := range map[*device]*device{p.a: p.b, p.b: p.a} {
			p.steer(other.name) // as a switch does when the leg goes down
			from := src.position()
			testnet.Must(t, stopped.process.cmd.Process.Signal(syscall.SIGSTOP))
			eventually(t, "device "+other.name+" has lost its peer and serves alone", func() error {
				f, err := other.trunk()
				if err == nil && f.PeerAlive {
					err = errors.New("it still hears its peer")
				}
				return errors.Join(err, other.sole())
			})
			testnet.Must(t, stopped.process.cmd.Process.Signal(syscall.SIGCONT))
			p.forms(len(groups))
			once(t, src, listeners, fmt.Sprintf("device %s has gone on", stopped.name))
			for _, l := range listeners {
				if missed := l.missed(from, l.position()); missed > 0 {
					t.Errorf("device %s stopped: %s missed %d packets", stopped.name, l.group, missed)
				}
			}
		}
	}
}

// TestFalseDown stops the BFD helper of one device, and then of the other device, until
// the peer declares the working device dead. A listener receives packets twice until the
// devices have exchanged hellos again, and loses none. The test does this twice.
func TestFalseDown(t *testing.T) {
	p := newPair(t)
	p.start()
	groups := []netip.Addr{ssmGroup, netip.MustParseAddr("ff3e::8000:2")} // one group for each bucket
	src := p.stream(groups...)
	var listeners []*listener
	for _, g := range groups {
		l := p.join(g, sourceAddr)
		l.awaits(src)
		listeners = append(listeners, l)
	}
	p.forms(len(groups))
	for range 2 {
		for late, other := range map[*device]*device{p.a: p.b, p.b: p.a} {
			from, before := src.position(), other.timesLost()
			helper := late.bfdHelper()
			testnet.Must(t, syscall.Kill(helper, syscall.SIGSTOP))
			eventually(t, "BFD of device "+other.name+" takes its peer for dead", func() error {
				if other.timesLost() == before {
					return errors.New("it is up")
				}
				return nil
			})
			testnet.Must(t, syscall.Kill(helper, syscall.SIGCONT))
			p.forms(len(groups))
			formed := src.position()
			once(t, src, listeners, "BFD of device "+late.name+" works again")
			for _, l := range listeners {
				sent := int(formed - from + 1)
				if missed := l.missed(from, l.position()); missed > 0 {
					t.Errorf("BFD of device %s was late: %s missed %d packets", late.name, l.group, missed)
				}
				twice := l.copies(from, formed) - sent
				t.Logf("BFD of device %s was late: %s had %d of %d packets twice", late.name, l.group, twice, sent)
				if twice > sent {
					t.Errorf("BFD of device %s was late: %s had %d packets more than twice", late.name, l.group, twice-sent)
				}
			}
		}
	}
}

// timesLost returns how often the BFD session of a device was lost.
func (d *device) timesLost() int {
	d.t.Helper()
	f, err := facts[struct {
		Lost int `json:"times-lost"`
	}](d, "bfd session all verbose", "sessions")
	testnet.Must(d.t, err)
	return f.Lost
}

// bfdHelper returns the process ID of the BFD helper of a device.
func (d *device) bfdHelper() int {
	d.t.Helper()
	parent := fmt.Sprintf("\nPPid:\t%d\n", d.process.cmd.Process.Pid)
	processes, err := filepath.Glob("/proc/[0-9]*")
	testnet.Must(d.t, err)
	for _, dir := range processes {
		status, _ := os.ReadFile(dir + "/status") // empty if the process has ended
		args, _ := os.ReadFile(dir + "/cmdline")
		if strings.Contains(string(status), parent) && strings.Contains(string(args), "bfd-helper") {
			id, err := strconv.Atoi(filepath.Base(dir))
			testnet.Must(d.t, err)
			return id
		}
	}
	d.t.Fatalf("device %s has no BFD helper", d.name)
	return 0
}

// once waits until each listener receives every packet, and only once.
func once(t *testing.T, src *source, listeners []*listener, when string) {
	t.Helper()
	const packets = 50
	for _, l := range listeners {
		from := src.position() + 1
		eventually(t, fmt.Sprintf("%s comes once when %s", l.group, when), func() error {
			if last := l.position(); last <= from+packets {
				return fmt.Errorf("packet %d of %d", last, from+packets)
			}
			n := l.copies(from, from+packets)
			if n == packets+1 {
				return nil
			}
			from = src.position() + 1
			return fmt.Errorf("%d packets came as %d", packets+1, n)
		})
	}
}
