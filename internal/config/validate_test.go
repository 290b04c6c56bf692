package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	const services = "remote-backup-service rbs1\npeer-ipv6 2001:db8::2 source-ipv6 2001:db8::1\nquit\n"
	const trunk = "e-trunk 1\nsecurity-key simple k\npeer-ipv6 2001:db8::2 source-ipv6 2001:db8::1\nquit\n"
	const profile = "remote-backup-profile p1\nbackup-id 1 remote-backup-service rbs1\npeer-backup hot\ne-trunk 1 eth-trunk 10\nservice-type mld\nquit\n"
	const complete = services + trunk + profile
	const policy = "ssl policy q\ntrusted-ca load pem-ca /ca.pem\ncertificate load pem-cert /c.pem key-file /k.pem\nquit\n"
	session := func(name string, source string, discriminator int) string {
		return fmt.Sprintf("bfd\nquit\nbfd %s bind peer-ipv6 2001:db8::2 %s\ndiscriminator local %d\ndiscriminator remote 9\nquit\n", name, source, discriminator)
	}
	bound := session("b1", "source-ipv6 2001:db8::1", 1)
	track := "e-trunk 1\ne-trunk track bfd-session\nquit\n"
	for _, c := range []struct{ name, lines, want string }{
		{"empty", "", ""},
		{"complete", complete, ""},
		{"unknown service", trunk + profile, "remote-backup-profile p1: unknown remote-backup-service rbs1; none is configured"},
		{"removed service", complete + policy + "remote-backup-service rbs2\npeer-ipv6 2001:db8::3 source-ipv6 2001:db8::1\nbind ssl-policy q\nquit\nundo remote-backup-service rbs1",
			"unknown remote-backup-service rbs1; known: rbs2"},
		{"removed E-Trunk", complete + "undo e-trunk 1", "remote-backup-profile p1: unknown e-trunk 1; known: none"},
		{"removed profile", complete + "interface eth-trunk 10\nmld enable\nmulticast ipv6 routing-enable\nremote-backup-profile p1\nsystem-view\nundo remote-backup-profile p1",
			"interface Eth-Trunk10: unknown remote-backup-profile p1; none is configured"},
		{"backup-id twice", complete + "remote-backup-profile p2\nbackup-id 1 remote-backup-service RBS1\npeer-backup hot\ne-trunk 1 eth-trunk 11\nservice-type mld",
			"remote-backup-profile p2: backup-id 1 of remote-backup-service rbs1 is that of p1 too"},
		{"backup-id of two services", complete + "remote-backup-service s2\npeer-ipv6 2001:db8::3 source-ipv6 2001:db8::1\nremote-backup-profile p2\nbackup-id 1 remote-backup-service s2\npeer-backup hot\ne-trunk 1 eth-trunk 11\nservice-type mld", ""},
		{"same connection twice", complete + "remote-backup-service s2\npeer-ipv6 2001:db8::2 source-ipv6 2001:db8::1",
			"remote-backup-service rbs1: it has the addresses and the port of s2"},
		{"incomplete profile", complete + "remote-backup-profile p2", "warning: remote-backup-profile p2: nothing is backed up without backup-id, peer-backup hot, e-trunk, service-type"},
		{"incomplete service", "remote-backup-service s", "warning: remote-backup-service s: it has no peer-ipv6, so it does not connect"},
		{"in clear", complete + "remote-backup-service rbs1\ntransport plaintext", "warning: remote-backup-service rbs1: it replicates in clear: anybody on the path reads and alters the listeners"},
		{"in clear and not", complete + policy + "remote-backup-service rbs1\ntransport plaintext\nbind ssl-policy q", "remote-backup-service rbs1: transport plaintext and bind ssl-policy exclude each other"},
		{"service without E-Trunk", complete + "remote-backup-service rbs2\npeer-ipv6 2001:db8::3 source-ipv6 2001:db8::1",
			"warning: remote-backup-service rbs2: no e-trunk tells the certificate of its peer, so it does not connect without bind ssl-policy, or transport plaintext"},
		{"no key", complete + "e-trunk 1\nundo security-key", "warning: e-trunk 1: it has no security-key, so it sends and accepts nothing"},
		{"no peer", "e-trunk 1\nsecurity-key simple k", "warning: e-trunk 1: it has no peer-ipv6, so it cannot find its peer"},
		{"trunk in two E-Trunks", complete + "e-trunk 2\nsecurity-key simple k\npeer-ipv6 2001:db8::2 source-ipv6 2001:db8::1\ninterface eth-trunk 10\ne-trunk 2",
			"remote-backup-profile p1: it names e-trunk 1, but Eth-Trunk10 joined e-trunk 2"},
		{"heartbeat", complete + "e-trunk 1\nheartbeat peer-ipv6 2001:db8:1::2 source-ipv6 2001:db8:1::1", ""},
		{"heartbeat in another vpn", complete + "ip vpn-instance mgmt\ne-trunk 1\nheartbeat peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 vpn-instance mgmt", ""},
		{"heartbeat in an unknown vpn", complete + "e-trunk 1\nheartbeat peer-ipv6 2001:db8:1::2 source-ipv6 2001:db8:1::1 vpn-instance mgmt", "e-trunk 1: unknown vpn-instance mgmt; none is configured"},
		{"heartbeat alone", "e-trunk 1\nsecurity-key simple k\nheartbeat peer-ipv6 2001:db8:1::2 source-ipv6 2001:db8:1::1", "e-trunk 1: a heartbeat goes beside peer-ipv6, which is missing"},
		{"heartbeat between the primary addresses", complete + "e-trunk 1\nheartbeat peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1",
			"e-trunk 1: heartbeat peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 has an address of peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1; the addresses of a path must be its own"},
		{"heartbeats from one address", complete + "e-trunk 1\nheartbeat peer-ipv6 2001:db8:1::2 source-ipv6 2001:db8:1::1\nheartbeat peer-ipv6 2001:db8:1::3 source-ipv6 2001:db8:1::1",
			"e-trunk 1: heartbeat peer-ipv6 2001:db8:1::3 source-ipv6 2001:db8:1::1 has an address of peer-ipv6 2001:db8:1::2 source-ipv6 2001:db8:1::1"},
		{"four heartbeats", complete + "e-trunk 1\nheartbeat peer-ipv6 2001:db8:1::2 source-ipv6 2001:db8:1::1\nheartbeat peer-ipv6 2001:db8:2::2 source-ipv6 2001:db8:2::1\n" +
			"heartbeat peer-ipv6 2001:db8:3::2 source-ipv6 2001:db8:3::1\nheartbeat peer-ipv6 2001:db8:4::2 source-ipv6 2001:db8:4::1", "e-trunk 1: it has 4 heartbeats, at most 3 are possible"},
		{"same remote trunk", complete + "interface eth-trunk 11\ne-trunk 1 remote-eth-trunk 10", "e-trunk 1: Eth-Trunk 10 and Eth-Trunk 11 have the same remote-eth-trunk 10"},
		{"unknown E-Trunk of a member", "interface eth-trunk 11\ne-trunk 3", "interface Eth-Trunk11: unknown e-trunk 3; known: none"},
		{"bound by addresses", complete + bound + track, ""},
		{"bound by the peer", complete + session("b1", "track-interface interface eth1", 1) + track, ""},
		{"nothing to bind", complete + track, "e-trunk 1: no BFD session is bound to its addresses (2001:db8::1 to 2001:db8::2); none is configured"},
		{"other source", complete + session("b1", "source-ipv6 2001:db8::7", 1) + track, "no BFD session is bound to its addresses (2001:db8::1 to 2001:db8::2); known: b1"},
		{"several to bind", complete + bound + session("b2", "interface eth1", 2) + track, "several BFD sessions are bound to its addresses (b1, b2); name one"},
		{"named", complete + bound + session("b2", "interface eth1", 2) + "e-trunk 1\ne-trunk track bfd-session session-name B2", ""},
		{"named with other addresses", complete + session("b1", "source-ipv6 2001:db8::7", 1) + "e-trunk 1\ne-trunk track bfd-session session-name b1",
			"BFD session b1 has other addresses (2001:db8::7 to 2001:db8::2) than the E-Trunk (2001:db8::1 to 2001:db8::2)"},
		{"named and unknown", complete + bound + "e-trunk 1\ne-trunk track bfd-session session-name b9", "unknown BFD session b9; known: b1"},
		{"named and removed", complete + bound + "e-trunk 1\ne-trunk track bfd-session session-name b1\nsystem-view\nundo bfd b1", "unknown BFD session b1; none is configured"},
		{"BFD not enabled", bound + "system-view\nundo bfd", "warning: bfd: BFD is not enabled globally, so no session starts"},
		{"one discriminator", bound + "bfd b1\nundo discriminator remote", "warning: bfd b1: it wants a local and a remote discriminator"},
		{"same discriminator", bound + session("b2", "interface eth1", 1), "bfd b1: its local discriminator 1 is that of session b2 too"},
		{"same binding", bound + session("b2", "source-ipv6 2001:db8::1", 2), "bfd b1: it is bound as session b2 is"},
		{"its own session", complete + "bfd\ne-trunk 1\ne-trunk bfd enable", ""},
		{"its own session without BFD", complete + "e-trunk 1\ne-trunk bfd enable", "warning: e-trunk 1: BFD is not enabled globally, so its own session does not start"},
		{"its own session and another", complete + bound + track + "e-trunk 1\ne-trunk bfd enable", "e-trunk 1: it has a BFD session of its own (e-trunk bfd enable) and cannot track another one as well"},
		{"its own session in the way", complete + bound + "e-trunk 1\ne-trunk bfd enable",
			"e-trunk 1: BFD session b1 is in the way of its own, e-trunk 1 (bind peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 auto); track it, or undo it"},
		{"automatic discriminators", "bfd\nquit\nbfd b1 bind peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 auto", ""},
		{"automatic and configured", "bfd\nquit\nbfd b1 bind peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 auto\ndiscriminator local 3",
			"bfd b1: it finds out its discriminators (auto), so none can be configured"},
		{"unknown vpn of a session", strings.Replace(bound, "peer-ipv6 2001:db8::2", "peer-ipv6 2001:db8::2 vpn-instance red", 1), "bfd b1: unknown vpn-instance red; none is configured"},
		{"unknown vpn of an E-Trunk", complete + "ip vpn-instance blue\ne-trunk 1\npeer-ipv6 2001:db8::2 source-ipv6 2001:db8::1 vpn-instance red", "e-trunk 1: unknown vpn-instance red; known: blue"},
		{"unknown vpn of an interface", "interface eth1\nip binding vpn-instance red", "interface eth1: unknown vpn-instance red; none is configured"},
		{"vpn removed", "ip vpn-instance red\ninterface eth1\nip binding vpn-instance red\nsystem-view\nundo ip vpn-instance red", "interface eth1: unknown vpn-instance red"},
		{"session of another vpn", complete + "ip vpn-instance red\n" + strings.Replace(bound, "peer-ipv6 2001:db8::2", "peer-ipv6 2001:db8::2 vpn-instance red", 1) + track,
			"no BFD session is bound to its addresses (2001:db8::1 to 2001:db8::2); known: b1"},
		{"same binding in two vpns", "ip vpn-instance red\n" + bound + strings.Replace(session("b2", "source-ipv6 2001:db8::1", 2), "peer-ipv6 2001:db8::2", "peer-ipv6 2001:db8::2 vpn-instance red", 1), ""},
		{"same address in two vpns", "ip vpn-instance red\ninterface eth1\nipv6 address 2001:db8::1/64\ninterface eth2\nip binding vpn-instance red\nipv6 address 2001:db8::1/64", ""},
		{"MLD in a vpn", "multicast ipv6 routing-enable\nip vpn-instance red\ninterface eth1\nip binding vpn-instance red\nmld enable", "interface eth1: MLD is not served in a vpn-instance"},
		{"service tracks", complete + bound + "remote-backup-service rbs1\ntrack bfd-session 1", ""},
		{"service tracks nothing", complete + bound + "remote-backup-service rbs1\ntrack bfd-session 2", "remote-backup-service rbs1: no BFD session has the local discriminator 2; known: 1 (b1)"},
		{"two upstreams", "multicast ipv6 routing-enable\ninterface eth1\nmld proxy\ninterface eth2\nmld proxy", "mld proxy: there can be one upstream interface, not eth1 and eth2"},
		{"up and down", "multicast ipv6 routing-enable\ninterface eth1\nmld proxy\nmld enable", "interface eth1: it cannot be upstream (mld proxy) and downstream (mld enable)"},
		{"no routing", "interface eth1\nmld enable", "warning: multicast ipv6: routing is not enabled, so MLD on eth1 does nothing"},
		{"slow answers", "multicast ipv6 routing-enable\nmld\ntimer query 9\ninterface eth1\nmld enable", "interface eth1: the max-response-time 10s must be less than the query interval 9s"},
		{"profile off its trunk", complete + "multicast ipv6 routing-enable\ninterface eth1\nmld enable\nremote-backup-profile p1",
			"interface eth1: remote-backup-profile p1 is bound to Eth-Trunk 10, and the interface is not on it"},
		{"profile on a sub-interface", complete + "multicast ipv6 routing-enable\ninterface eth-trunk 10.100\nmld enable\nremote-backup-profile p1", ""},
		{"profile without mld", complete + "interface eth-trunk 10\nremote-backup-profile p1", "warning: interface Eth-Trunk10: it has a remote-backup-profile and no mld enable"},
		{"profile upstream", complete + "multicast ipv6 routing-enable\ninterface eth-trunk 10\nmld proxy\nremote-backup-profile p1", "an upstream interface (mld proxy) cannot have a remote-backup-profile"},
		{"address twice", "interface eth1\nipv6 address 2001:db8::1/64\ninterface eth2\nipv6 address 2001:db8::1/64", "interface eth2: eth1 has the address 2001:db8::1 too"},
		{"link-local twice", "interface eth1\nipv6 address fe80::1/64\ninterface eth2\nipv6 address fe80::1/64", ""},
		{"too many interfaces", "multicast ipv6 routing-enable\n" + interfaces(MaxKernelInterfaces+1), "multicast ipv6: 33 interfaces have MLD, the forwarding-plane kernel holds 32"},
		{"many interfaces of our own plane", "multicast ipv6 routing-enable\nmulticast ipv6 forwarding-plane auto\n" + interfaces(MaxEBPFInterfaces),
			"warning: multicast ipv6: the ebpf plane forwards before the firewall of the device, whose forward rules do not meet it"},
		{"too many interfaces of our own plane", "multicast ipv6 routing-enable\nmulticast ipv6 forwarding-plane auto\n" + interfaces(MaxEBPFInterfaces+1),
			"multicast ipv6: 1025 interfaces have MLD, the forwarding-plane ebpf holds 1024"},
		{"just so many interfaces", "multicast ipv6 routing-enable\n" + interfaces(MaxKernelInterfaces), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShell(t)
			for _, line := range strings.Split(c.lines, "\n") {
				view := s.View
				if line == "multicast ipv6 routing-enable" { // at any place in the text
					s.View = SystemView
				}
				s.run(t, line)
				if line == "multicast ipv6 routing-enable" {
					s.View = view
				}
			}
			var got []string
			for _, p := range Validate(s.Model) {
				text := p.String()
				if p.Warning {
					text = "warning: " + text
				}
				got = append(got, text)
			}
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("problems %q", got)
			case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want) || strings.HasPrefix(got[0], "warning") != strings.HasPrefix(c.want, "warning")):
				t.Errorf("problems %q, want %q", got, c.want)
			}
		})
	}
}

func interfaces(n int) string {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "interface eth%d\nmld enable\n", i)
	}
	return lines.String()
}

// The result of Validate does not depend on the order in which the objects were made.
func TestValidateIsOrderFree(t *testing.T) {
	sections := []string{
		"bfd", "bfd b1 bind peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1\ndiscriminator local 1\ndiscriminator remote 2",
		"interface eth-trunk 10\nremote-backup-profile p1\nmld enable", "e-trunk 1\ne-trunk track bfd-session\npeer-ipv6 2001:db8::2 source-ipv6 2001:db8::1",
		"remote-backup-profile p1\nbackup-id 1 remote-backup-service rbs1\ne-trunk 1 eth-trunk 10", "multicast ipv6 routing-enable",
	}
	var want string
	for shift := range sections {
		s := newShell(t)
		for i := range sections {
			s.View = SystemView
			s.run(t, sections[(i+shift)%len(sections)])
		}
		got := fmt.Sprint(Validate(s.Model))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("from section %d on: %s, want %s", shift, got, want)
		}
	}
	if !strings.Contains(want, "unknown remote-backup-service rbs1") {
		t.Error(want)
	}
}

// TestTrackWithoutAddresses: an E-Trunk that tracks the session between its addresses is told when it
// has none.
func TestTrackWithoutAddresses(t *testing.T) {
	s := newShell(t)
	for _, line := range strings.Split("e-trunk 1\nsecurity-key simple k\ne-trunk track bfd-session", "\n") {
		s.run(t, line)
	}
	var problems []string
	for _, p := range Validate(s.Model) {
		problems = append(problems, p.String())
	}
	if want := "e-trunk 1: it tracks a BFD session between its addresses, and has no peer-ipv6"; !slices.Contains(problems, want) {
		t.Errorf("problems %q, want %q", problems, want)
	}
}
