package pairtest

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tandem/internal/linux/testnet"
)

// served is a running pair with sixteen streams, of which each device sends some, and a
// listener for each stream.
type served struct {
	*pair
	s         *source
	listeners []*listener
	from      uint32
}

func newServed(t *testing.T) *served {
	t.Helper()
	p := newPair(t)
	p.start()
	v := &served{pair: p}
	v.begin()
	p.forms(len(v.listeners))
	return v
}

// begin makes a host join and the source send.
func (v *served) begin() {
	v.t.Helper()
	var groups []netip.Addr
	for i := range 16 {
		a := netip.MustParseAddr("ff1e::ab:0").As16()
		a[15] = byte(i)
		groups = append(groups, netip.AddrFrom16(a))
	}
	v.s = v.stream(groups...)
	for _, g := range groups {
		v.listeners = append(v.listeners, v.join(g, noSource))
	}
	for _, l := range v.listeners {
		l.awaits(v.s)
	}
}

// mark begins the time in which no packet may be missed.
func (v *served) mark() { v.from = v.s.position() }

// missedNone fails if a listener has missed a packet since mark.
func (v *served) missedNone(what string) {
	v.t.Helper()
	v.missedAtMost(0, what)
}

// missedAtMost fails if a listener has missed more packets since mark than are sent in a
// time.
func (v *served) missedAtMost(gap time.Duration, what string) {
	v.t.Helper()
	for _, l := range v.listeners {
		l.awaits(v.s)
		if missed, most := l.missed(v.from, v.s.position()-50), int(gap/streamInterval); missed > most {
			v.t.Errorf("%s: %s missed %d packets, %d are allowed", what, l.group, missed, most)
		}
	}
}

// detection is enough for a busy machine to get the kernel's notice and to hand over. An
// idle machine needs less than 20 ms. Without a hand-over the loss would not end.
const detection = 200 * time.Millisecond

// lacks waits until a device shows what its member lacks; empty means that the member is
// ready.
func (d *device) lacks(want string) {
	d.t.Helper()
	eventually(d.t, "device "+d.name+" lacks: "+want, func() error {
		f, err := d.profile()
		if err == nil && (f.Ready != (want == "") || !strings.Contains(f.Reason, want)) {
			err = fmt.Errorf("ready %v, lacks %q", f.Ready, f.Reason)
		}
		return err
	})
}

// TestUnableLeg: the kernel keeps the querier's leg from working. The listeners miss no
// more than until the kernel reports it, and nothing if the leg still forwards. The
// device shows the reason to its operator and announces it to the peer, which queries in
// its place. The device serves again when the fault is over.
func TestUnableLeg(t *testing.T) {
	v := newServed(t)
	for _, c := range []struct {
		name, lack string
		gap        time.Duration
		off, on    func()
	}{
		{"IPv6 disabled", "IPv6 is disabled on it", detection,
			func() { testnet.Must(t, v.a.SetSysctl("ipv6/conf/"+legLink+"/disable_ipv6", "1")) },
			func() { testnet.Must(t, v.a.SetSysctl("ipv6/conf/"+legLink+"/disable_ipv6", "0")) }},
		{"no link-local address, and none may be added", "it has no link-local address", 0,
			func() {
				v.a.configures("interface eth-trunk 10", "undo ipv6 address auto link-local")
				testnet.Must(t, v.a.Links.DeleteAddress(legLink, netip.PrefixFrom(v.a.linkLocal(legLink), 64)))
			},
			func() { v.a.configures("interface eth-trunk 10", "ipv6 address auto link-local") }},
	} {
		v.mark()
		c.off()
		v.a.lacks(c.lack)
		eventually(t, "device b serves alone, and asks", v.b.sole)
		for what, where := range map[string]string{"alarm active": "MULTICAST_IF_UNABLE", "mld interface": c.lack, "redundancy": c.lack, "e-trunk 1": c.lack} {
			contains(t, v.a.shows(what), where)
		}
		eventually(t, "device b knows why", func() error {
			if said := v.b.shows("e-trunk 1"); !strings.Contains(said, "interface unable") {
				return fmt.Errorf("%s", said)
			}
			return nil
		})
		c.on()
		v.forms(len(v.listeners))
		v.missedAtMost(c.gap, c.name)
		if said := v.a.shows("alarm active"); strings.Contains(said, "MULTICAST_IF_UNABLE") {
			t.Errorf("%s: the alarm holds still:\n%s", c.name, said)
		}
	}
}

// TestLinkLocalRemoved: another program removes a link-local address from a live
// interface. The device replaces it at once and stays ready. The kernel's forwarding
// sysctls do not matter for multicast.
func TestLinkLocalRemoved(t *testing.T) {
	v := newServed(t)
	const unready = `Reason="not ready`
	before := strings.Count(v.a.shows("logbuffer"), unready) // while the device started
	v.mark()
	for _, link := range []string{legLink, upLink} {
		kernels := v.a.linkLocal(link)
		testnet.Must(t, v.a.Links.DeleteAddress(link, netip.PrefixFrom(kernels, 64)))
		eventually(t, "another address is there", func() error {
			if is := v.a.linkLocal(link); !is.IsValid() || is == kernels {
				return fmt.Errorf("%s has %v", link, is)
			}
			return nil
		})
	}
	contains(t, v.a.shows("logbuffer"), "LINK_LOCAL_ADDED")
	for _, value := range []string{"1", "0"} {
		testnet.Must(t, v.a.SetSysctl("ipv6/conf/all/forwarding", value))
		time.Sleep(200 * time.Millisecond)
	}
	v.a.lacks("")
	v.missedNone("addresses removed")
	if log := v.a.shows("logbuffer"); strings.Count(log, unready) > before {
		t.Errorf("the device was not ready for a while:\n%s", log)
	}
	v.a.signal(15)
	for _, link := range []string{legLink, upLink} {
		if is := v.a.linkLocal(link); is.IsValid() {
			t.Errorf("%s keeps %v after the end", link, is)
		}
	}
}

// TestNoLinkLocalAtStart: a device serves although its interfaces never had a link-local
// address, for instance with addr_gen_mode none.
func TestNoLinkLocalAtStart(t *testing.T) {
	p := newPair(t)
	for _, link := range []string{legLink, upLink} {
		kernels := testnet.AwaitLinkLocal(t, p.a.Node, link).LinkLocal
		testnet.Must(t, p.a.SetSysctl("ipv6/conf/"+link+"/addr_gen_mode", "1"))
		testnet.Must(t, p.a.Links.DeleteAddress(link, netip.PrefixFrom(kernels, 64)))
	}
	p.start()
	v := &served{pair: p}
	v.begin()
	p.forms(len(v.listeners))
}

// outputFirewall drops the MLD messages that a device sends.
const outputFirewall = `table inet filter {
	chain output {
		type filter hook output priority 0; policy accept;
		icmpv6 type { mld-listener-query, mld-listener-report, mld2-listener-report } oifname "eth-trunk10" drop
	}
}`

// forwardFirewall is a chain like those of Docker and ufw.
const forwardFirewall = `table ip6 filter {
	chain FORWARD { type filter hook forward priority 0; policy drop; }
}`

// TestFirewallsOfOthers: firewalls of other programs keep a device from querying, or from
// forwarding. The device leaves both to the peer, and takes its share back when the
// firewall is removed.
func TestFirewallsOfOthers(t *testing.T) {
	v := newServed(t)
	for _, c := range []struct {
		rules, table, lack string
		gap                time.Duration
	}{
		{outputFirewall, "inet filter", "the kernel refuses to send MLD by it", 0},
		{forwardFirewall, "ip6 filter", "something drops what is forwarded by it", 700*time.Millisecond + detection},
	} {
		v.mark()
		v.a.nft(c.rules)
		if c.gap == 0 {
			v.a.configures("interface eth-trunk 10", "mld timer query 11") // so the device queries within 11 s
		}
		v.a.lacks(c.lack)
		eventually(t, "device b serves alone", v.b.sole)
		v.missedAtMost(c.gap, c.lack)
		v.a.nft("delete table " + c.table)
		v.forms(len(v.listeners))
	}
}

// nft loads nftables rules into the kernel of a device.
func (d *device) nft(rules string) {
	d.t.Helper()
	path, err := exec.LookPath("nft")
	if err != nil {
		d.t.Skip("needs nft")
	}
	cmd := exec.Command(path, "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	testnet.Must(d.t, d.Run(cmd))
}
