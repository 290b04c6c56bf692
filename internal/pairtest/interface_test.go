package pairtest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tandem/internal/linux/testnet"
)

// kernelForwards compares the kernel's tables with the expected interfaces, and with the
// expected route of one group.
func (d *device) kernelForwards(group string, in string, out ...string) error {
	names := make(map[string]string) // names of the multicast interfaces, by number
	for line := range strings.Lines(d.kernelFile("ip6_mr_vif")) {
		if f := strings.Fields(line); len(f) > 2 && f[0] != "Interface" {
			names[f[0]] = f[1]
		}
	}
	for line := range strings.Lines(d.kernelFile("ip6_mr_cache")) {
		f := strings.Fields(line)
		if len(f) < 6 || f[0] != group {
			continue
		}
		var outgoing []string
		for _, o := range f[6:] {
			number, _, _ := strings.Cut(o, ":")
			outgoing = append(outgoing, names[number])
		}
		if got, want := fmt.Sprint(names[f[2]], outgoing), fmt.Sprint(in, out); got != want {
			return fmt.Errorf("device %s forwards %s from %s, want %s", d.name, group, got, want)
		}
		return nil
	}
	return fmt.Errorf("device %s has no entry for %s; its interfaces are %v", d.name, group, names)
}

const asmGroupInKernel = "ff1e:0000:0000:0000:0000:0000:0000:0001"

// TestInterfacesAppear: the configuration may name interfaces that do not exist yet.
func TestInterfacesAppear(t *testing.T) {
	p := newPair(t)
	for _, link := range []string{coreLink, upLink, legLink} {
		p.remove("a", link)
	}
	p.a.start(withAddresses("a")...)
	brief := p.a.shows("interface brief")
	for _, name := range []string{coreLink, upLink, "Eth-Trunk10"} {
		if !hasFields(brief, "(a):", name, "is", "absent") {
			t.Errorf("%s is not shown as absent:\n%s", name, brief)
		}
	}
	s := p.stream(asmGroup)
	l := p.join(asmGroup, noSource)
	l.silent(s)

	p.b.start(configuration("b")...)
	p.addCore()
	p.addLeg("a")
	p.addUpstream("a")
	p.steer("a")
	p.forms(1)
	l.awaits(s)
	eventually(t, "device a has the stream", func() error {
		return p.a.kernelForwards(asmGroupInKernel, upLink, legLink)
	})
}

// withAddresses returns the configuration of a device including its addresses, so that these
// return with their interfaces.
func withAddresses(device string) []string {
	lines := []string{"system-view"}
	for _, i := range []struct{ link, network string }{{coreLink, "c"}, {upLink, "5"}, {"eth-trunk 10", "10"}} {
		lines = append(lines, "interface "+i.link, "ipv6 enable", fmt.Sprintf("ipv6 address %s/64", addr(i.network, device)), "quit")
	}
	lines = append(lines, "commit")
	return append(lines, configuration(device)...)
}

func hasFields(text string, fields ...string) bool {
	for line := range strings.Lines(text) {
		if got := strings.Fields(line); len(got) >= len(fields) && strings.Join(got[:len(fields)], " ") == strings.Join(fields, " ") {
			return true
		}
	}
	return false
}

// TestInterfacesReturn: for the kernel an interface that returns is a new one with another
// index. When the old one was removed, its forwarding entries were removed, too.
func TestInterfacesReturn(t *testing.T) {
	for _, link := range []string{upLink, legLink} {
		t.Run(link, func(t *testing.T) {
			p := newPair(t)
			p.a.start(withAddresses("a")...)
			s := p.stream(asmGroup)
			l := p.join(asmGroup, noSource)
			l.awaits(s)
			for range 2 {
				before := p.a.Interface(t, link).Index
				p.remove("a", link)
				l.silent(s)
				if link == upLink {
					p.addUpstream("a")
				} else {
					p.addLeg("a")
					p.steer("a")
				}
				if after := p.a.Interface(t, link).Index; after == before {
					t.Fatalf("%s has index %d again", link, after)
				}
				l.awaits(s)
				eventually(t, "the kernel's tables are right", func() error {
					return p.a.kernelForwards(asmGroupInKernel, upLink, legLink)
				})
			}
			// Later reports are received on the new interface.
			if link == legLink {
				later := p.join(lateGroup, noSource)
				late := p.stream(lateGroup)
				later.awaits(late)
				l.leave()
				eventually(t, "the entry is gone", func() error {
					if p.a.kernelForwards(asmGroupInKernel, upLink) == nil || p.a.kernelForwards(asmGroupInKernel, upLink, legLink) != nil {
						return nil
					}
					return fmt.Errorf("it is there")
				})
			}
		})
	}
}

// TestAliasedInterface: a name with a slash refers to the link that has it as its alias,
// at whatever time the link gets the alias.
func TestAliasedInterface(t *testing.T) {
	const name = "GigabitEthernet0/1/0"
	p := newPair(t)
	p.a.start(replaced(configuration("a"), "interface up0", "interface "+name)...)
	s := p.stream(asmGroup)
	l := p.join(asmGroup, noSource)
	l.silent(s)
	for range 2 {
		if brief := p.a.shows("interface brief"); !hasFields(brief, "(a):", name, "is", "absent") {
			t.Errorf("%s is not shown as absent:\n%s", name, brief)
		}
		p.a.SetAlias(t, upLink, name)
		l.awaits(s)
		eventually(t, "the kernel's tables are right", func() error {
			return p.a.kernelForwards(asmGroupInKernel, upLink, legLink)
		})
		p.remove("a", upLink)
		p.addUpstream("a")
		l.silent(s)
	}
}

// TestAddressReturns: configured addresses return, although a link that is set down loses its
// addresses.
func TestAddressReturns(t *testing.T) {
	p := newPair(t)
	p.a.start(withAddresses("a")...)
	p.b.start(configuration("b")...)
	p.forms(0)
	for range 2 {
		testnet.Must(t, p.a.Links.SetUp(coreLink, false))
		eventually(t, "device b misses its peer", func() error {
			f, err := p.b.trunk()
			if err == nil && f.PeerAlive {
				err = fmt.Errorf("it does not")
			}
			return err
		})
		testnet.Must(t, p.a.Links.SetUp(coreLink, true))
		p.forms(0)
	}
	// It is removed with its configuration. If another program has removed it before,
	// this is no error.
	prefix := netip.PrefixFrom(addr("5", "a"), 64)
	testnet.Must(t, p.a.Links.SetUp(upLink, false))
	testnet.Must(t, p.a.Links.SetUp(upLink, true))
	p.a.awaitAddress(upLink, prefix, true)
	testnet.Must(t, p.a.Links.DeleteAddress(upLink, prefix))
	p.a.awaitAddress(upLink, prefix, true)
	p.a.configures("interface up0", "undo ipv6 address "+prefix.String())
	p.a.awaitAddress(upLink, prefix, false)
}

// awaitAddress waits until a link has an address, or has it no longer.
func (d *device) awaitAddress(link string, prefix netip.Prefix, want bool) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("%s on %s: %v", prefix, link, want), func() error {
		l, err := d.Links.Link(link)
		if err == nil && slices.Contains(l.Addresses, prefix) != want {
			err = fmt.Errorf("it has %v", l.Addresses)
		}
		return err
	})
}

// TestShutdownInterfaceReturns: `shutdown` also applies to an interface that returns.
func TestShutdownInterfaceReturns(t *testing.T) {
	p := newPair(t)
	p.a.start(withAddresses("a")...)
	p.a.configures("interface up0", "shutdown")
	down := func() error {
		l, err := p.a.Links.Link(upLink)
		if err == nil && l.AdminUp {
			err = fmt.Errorf("it is up")
		}
		return err
	}
	eventually(t, "up0 is shut down", down)
	p.remove("a", upLink)
	p.addUpstream("a")
	eventually(t, "up0 is shut down again", down)
	s := p.stream(asmGroup)
	l := p.join(asmGroup, noSource)
	p.a.configures("interface up0", "undo shutdown")
	l.awaits(s)
}
