package pairtest

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"tandem/internal/linux/testnet"
)

// beatLink is a second link between the devices, beside coreLink.
const beatLink = "beat0"

// addHeartbeat adds a second path between the devices and configures it for their hellos.
func (p *pair) addHeartbeat() {
	p.t.Helper()
	testnet.Cable(p.t, p.a.Node, beatLink, p.b.Node, beatLink)
	for _, d := range []*device{p.a, p.b} {
		p.address(d.name, beatLink, "e")
		peer := map[string]string{"a": "b", "b": "a"}[d.name]
		d.configures("e-trunk 1", fmt.Sprintf("heartbeat peer-ipv6 %v source-ipv6 %v", addr("e", peer), addr("e", d.name)))
	}
}

// paths returns the states of the paths of the hellos, the primary one first.
func (d *device) paths() (states []string, err error) {
	var shown struct {
		Trunks []struct {
			Alive bool `json:"peer-alive"`
			Paths []struct{ State string }
		} `json:"e-trunks"`
	}
	err = d.display("e-trunk 1", &shown)
	for _, t := range shown.Trunks {
		if err == nil && !t.Alive {
			err = fmt.Errorf("device %s does not hear its peer", d.name)
		}
		for _, p := range t.Paths {
			states = append(states, p.State)
		}
	}
	return states, err
}

// hears waits until the paths of a device have these states and the device shares the
// sending.
func (d *device) hears(states ...string) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("the paths of device %s are %v", d.name, states), func() error {
		got, err := d.paths()
		if err == nil && !slices.Equal(got, states) {
			err = fmt.Errorf("%v", got)
		}
		if err != nil {
			return err
		}
		t, err := d.trunk()
		if err == nil && t.Duties[0].Duty != "shared" {
			err = fmt.Errorf("its duty is %s", t.Duties[0].Duty)
		}
		return err
	})
}

// loses drops every packet of a link of a device in one direction.
func (d *device) loses(link string, hook *nftables.ChainHook) {
	d.t.Helper()
	drop := nftables.ChainPolicyDrop
	inject(d.t, d.Node, func(c *nftables.Conn) {
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: faultTable})
		c.AddChain(&nftables.Chain{Name: link, Table: table, Type: nftables.ChainTypeFilter, Device: link,
			Hooknum: hook, Priority: nftables.ChainPriorityFilter, Policy: &drop})
	})
}

// hashReports makes the switch send the host's reports only on the leg to A. Otherwise the
// bridge sends them on both legs, and the devices think that the host moves.
func (p *pair) hashReports() {
	p.t.Helper()
	const reg, hopByHop, report = 1, 0, 143
	is := func(offset uint32, value byte) []expr.Any {
		return []expr.Any{
			&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 1, DestRegister: reg},
			&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{value}},
		}
	}
	inject(p.t, p.host, func(c *nftables.Conn) {
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: "hash"})
		chain := c.AddChain(&nftables.Chain{Name: "out", Table: table, Type: nftables.ChainTypeFilter, Device: "leg-b",
			Hooknum: nftables.ChainHookEgress, Priority: nftables.ChainPriorityFilter})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: slices.Concat(is(6, hopByHop), is(48, report),
			[]expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}})})
	})
}

// TestHeartbeatPath cuts the primary path in one direction, in the other and in both, for
// longer than the fail time. The devices receive each other's hellos on the heartbeat
// path. A listener misses nothing and gets packets twice only for a moment. Both devices
// learn of a new listener. The death of a device is still detected.
func TestHeartbeatPath(t *testing.T) {
	// maxDouble is the number of packets in 300 ms.
	const maxDouble = int(300 * time.Millisecond / streamInterval)
	p := newPair(t)
	p.start()
	p.addHeartbeat()
	p.hashReports()
	lateGroup := netip.MustParseAddr("ff1e::2")
	s := p.stream(ssmGroup, asmGroup, lateGroup)
	listeners := []*listener{p.join(ssmGroup, sourceAddr), p.join(asmGroup, noSource)}
	p.forms(2)
	for _, d := range []*device{p.a, p.b} {
		d.hears("Up", "Up")
	}
	for _, l := range listeners {
		l.awaits(s)
	}
	for _, c := range []struct {
		name string
		cut  func()
		a, b string // the state of the primary path
	}{
		{"from B to A", func() { p.a.loses(coreLink, nftables.ChainHookIngress) }, "Down", "Up"},
		{"from A to B", func() { p.a.loses(coreLink, nftables.ChainHookEgress) }, "Up", "Down"},
		{"both ways", func() { p.a.silence(coreLink) }, "Down", "Down"},
	} {
		from := s.position()
		c.cut()
		p.a.hears(c.a, "Up")
		p.b.hears(c.b, "Up")
		time.Sleep(4 * time.Second) // the fail time is 3 s
		p.a.hears(c.a, "Up")
		p.b.hears(c.b, "Up")
		for _, d := range []*device{p.a, p.b} {
			if names, err := d.alarms(); err != nil || slices.Contains(names, "ETRUNK_PEER_LOST") ||
				slices.Contains(names, "ETRUNK_PATH_LOST") != (d == p.a && c.a == "Down" || d == p.b && c.b == "Down") {
				t.Errorf("cut %s: device %s has the alarms %v, %v", c.name, d.name, names, err)
			}
		}
		for _, l := range listeners {
			l.awaits(s)
		}
		to := s.position() - 50
		for _, l := range listeners {
			if missed := l.missed(from, to); missed > 0 {
				t.Errorf("cut %s: %s missed %d packets", c.name, l.group, missed)
			}
			if doubled := l.copies(from, to) - int(to-from+1); doubled > maxDouble {
				t.Errorf("cut %s: %s came twice %d times, the limit is %d", c.name, l.group, doubled, maxDouble)
			} else {
				t.Logf("cut %s: %s came twice %d times", c.name, l.group, doubled)
			}
		}
		if c.name != "both ways" {
			p.a.speaks()
			p.forms(2)
		}
	}
	p.join(lateGroup, noSource).awaits(s)
	p.forms(3) // the replication uses the heartbeat path
	p.a.standsAgainst("BFD session core", "it is Down: a device that fails is missed late")
	contains(t, p.a.shows("redundancy"), "nothing is heard by the primary path")
	contains(t, p.a.shows("e-trunk 1"), "nothing is heard by the path ")
	died := time.Now()
	p.b.kill()
	eventually(t, "device a sends everything", p.a.sole)
	if took := time.Since(died); took > 4*time.Second {
		t.Errorf("a dead peer was missed after %v", took)
	}
}
