package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Problem is a fault in a model that is found when the whole model is checked.
type Problem struct {
	// Where is the heading of the object with the problem.
	Where string
	Text  string
	// Warning means that the configuration can be committed, but something will not work.
	Warning bool
}

func (p Problem) String() string { return p.Where + ": " + p.Text }

// Problems are sorted in the order of the text form.
type Problems []Problem

// errors returns the problems that prevent a commit.
func (p Problems) errors() Problems {
	return slices.DeleteFunc(slices.Clone(p), func(q Problem) bool { return q.Warning })
}

// Warnings returns the problems that do not prevent a commit.
func (p Problems) Warnings() Problems {
	return slices.DeleteFunc(slices.Clone(p), func(q Problem) bool { return !q.Warning })
}

// InvalidError means that a commit was refused because of errors in the model.
type InvalidError struct{ Problems Problems }

func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Validate checks a whole model. The result does not depend on the order in which the
// objects were made.
func Validate(m *Model) Problems {
	v := validator{m: m}
	v.system()
	v.ssh()
	v.clashes()
	inOrder(m.Sessions, v.session)
	inOrder(m.SSLPolicies, v.sslPolicy)
	inOrder(m.Services, v.service)
	inOrder(m.Profiles, v.profile)
	v.backupIDs()
	inOrder(m.ETrunks, v.eTrunk)
	inOrder(m.Interfaces, v.iface)
	return v.problems
}

// inOrder calls visit for the objects, sorted by name, so that the problems always have the
// same order.
func inOrder[K cmp.Ordered, V any](objects map[K]*V, visit func(*V)) {
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		visit(objects[name])
	}
}

type validator struct {
	m        *Model
	problems Problems
}

func (v *validator) fail(where, format string, facts ...any) {
	v.problems = append(v.problems, Problem{Where: where, Text: fmt.Sprintf(format, facts...)})
}

func (v *validator) warn(where, format string, facts ...any) {
	v.problems = append(v.problems, Problem{Where: where, Text: fmt.Sprintf(format, facts...), Warning: true})
}

// system checks settings that all interfaces share.
func (v *validator) system() {
	var upstream, multicast []string
	type place struct {
		vpn  string
		addr netip.Addr
	}
	owners := map[place]InterfaceName{}
	inOrder(v.m.Interfaces, func(i *Interface) {
		if i.MLD.Proxy {
			upstream = append(upstream, string(i.Name))
		}
		if i.MLD.Proxy || i.MLD.Enabled {
			multicast = append(multicast, string(i.Name))
		}
		for _, p := range i.Addresses {
			at := place{i.VPN, p.Addr()}
			if other, taken := owners[at]; taken && other != i.Name && !p.Addr().IsLinkLocalUnicast() {
				v.fail("interface "+string(i.Name), "%s has the address %v too", other, p.Addr())
			}
			owners[at] = i.Name
		}
	})
	if len(upstream) > 1 {
		v.fail("mld proxy", "there can be one upstream interface, not %s", strings.Join(upstream, " and "))
	}
	switch n, plane := len(multicast), v.m.Plane(); {
	case n > plane.holds():
		v.fail("multicast ipv6", "%d interfaces have MLD, the forwarding-plane %v holds %d", n, plane, plane.holds())
	case plane == EBPFPlane && v.m.Multicast:
		v.warn("multicast ipv6", "the ebpf plane forwards before the firewall of the device, whose forward rules do not meet it")
	}
	if len(multicast) > 0 && !v.m.Multicast {
		v.warn("multicast ipv6", "routing is not enabled, so MLD on %s does nothing", strings.Join(multicast, ", "))
	}
	v.listens("http server", v.m.HTTP.Address)
	v.listens("ssh server", v.m.SSH.Source)
	if h := v.m.HTTP; h.Enabled && !h.Address.IsLoopback() {
		v.warn("http server", "whoever reaches %v port %d can read the listeners and the state of the device", h.Address, h.Port)
	}
	if len(v.m.Sessions) > 0 && !v.m.BFD {
		v.warn("bfd", "BFD is not enabled globally, so no session starts")
	}
}

// listens checks an address to listen on that has no interface with it.
func (v *validator) listens(where string, address netip.Addr) {
	if address.IsLinkLocalUnicast() {
		v.fail(where, "%v is link-local, so nothing can listen there; give a global address", address)
	}
}

func (v *validator) session(s *BFDSession) {
	where := "bfd " + s.Name
	v.vpn(where, s.VPN)
	switch configured := s.LocalDiscriminator != 0 || s.RemoteDiscriminator != 0; {
	case s.Auto && configured:
		v.fail(where, "it finds out its discriminators (auto), so none can be configured")
	case !s.Auto && (s.LocalDiscriminator == 0 || s.RemoteDiscriminator == 0):
		v.warn(where, "it wants a local and a remote discriminator and does not start without")
	}
	if s.ProcessInterface && s.Interface == "" {
		v.fail(where, "process-interface-status is for a session that is bound to an interface")
	}
}

func (v *validator) sslPolicy(p *SSLPolicy) {
	if !p.complete() {
		v.warn("ssl policy "+p.Name, "it lacks a trusted-ca or a certificate, so nothing can be bound to it")
	}
}

func (v *validator) service(s *Service) {
	where := "remote-backup-service " + s.Name
	if !s.Peer.IsValid() {
		v.warn(where, "it has no peer-ipv6, so it does not connect")
	}
	switch {
	case s.Plaintext && s.SSLPolicy != "":
		v.fail(where, "transport plaintext and bind ssl-policy exclude each other")
	case s.Plaintext:
		v.warn(where, "it replicates in clear: anybody on the path reads and alters the listeners")
	case s.Pinned() && s.Peer.IsValid() && !v.led(s):
		v.warn(where, "no e-trunk tells the certificate of its peer, so it does not connect without bind ssl-policy, or transport plaintext")
	}
	if s.SSLPolicy != "" {
		switch p := v.m.SSLPolicy(s.SSLPolicy); {
		case p == nil:
			v.fail(where, "unknown ssl policy %s; %s", s.SSLPolicy, known(v.m.SSLPolicies))
		case !p.complete():
			v.fail(where, "ssl policy %s lacks a trusted-ca or a certificate", p.Name)
		}
	}
	if s.TrackBFD == 0 {
		return
	}
	var discriminators []string
	found := false
	inOrder(v.m.Sessions, func(b *BFDSession) {
		if found = found || b.LocalDiscriminator == s.TrackBFD; b.LocalDiscriminator != 0 {
			discriminators = append(discriminators, fmt.Sprintf("%d (%s)", b.LocalDiscriminator, b.Name))
		}
	})
	if !found {
		v.fail(where, "no BFD session has the local discriminator %d; known: %s", s.TrackBFD, listOrNone(discriminators))
	}
}

// led reports whether the hellos of an E-Trunk identify the peer of a service. If a
// profile names an E-Trunk that does not exist, the check of the profile reports that.
func (v *validator) led(s *Service) bool {
	named := false
	inOrder(v.m.Profiles, func(p *Profile) { named = named || p.ETrunk != 0 && v.m.Service(p.Service) == s })
	return named || len(v.m.LeadTo(s)) > 0
}

func (v *validator) profile(p *Profile) {
	where := "remote-backup-profile " + p.Name
	if p.Service != "" && v.m.Service(p.Service) == nil {
		v.fail(where, "unknown remote-backup-service %s; %s", p.Service, known(v.m.Services))
	}
	if p.ETrunk != 0 && v.m.ETrunks[p.ETrunk] == nil {
		v.fail(where, "unknown e-trunk %d; known: %s", p.ETrunk, listOrNone(numbers(v.m.ETrunks)))
	}
	if i := v.m.Interfaces[EthTrunkName(p.EthTrunk)]; p.ETrunk != 0 && i != nil && i.ETrunk != 0 && i.ETrunk != p.ETrunk {
		v.fail(where, "it names e-trunk %d, but %s joined e-trunk %d", p.ETrunk, i.Name, i.ETrunk)
	}
	if missing := p.missing(); len(missing) > 0 {
		v.warn(where, "nothing is backed up without %s", strings.Join(missing, ", "))
	}
}

// missing lists the settings that a profile lacks before it can back anything up.
func (p *Profile) missing() []string {
	var missing []string
	for _, part := range []struct {
		set  bool
		name string
	}{{p.BackupID != 0, "backup-id"}, {p.Hot, "peer-backup hot"}, {p.ETrunk != 0, "e-trunk"}, {p.MLD, "service-type"}} {
		if !part.set {
			missing = append(missing, part.name)
		}
	}
	return missing
}

// backupIDs checks that each ID is used only once on a service.
func (v *validator) backupIDs() {
	type use struct {
		service string
		id      uint32
	}
	users := map[use]string{}
	inOrder(v.m.Profiles, func(p *Profile) {
		s := v.m.Service(p.Service)
		if p.BackupID == 0 || s == nil {
			return // profile() reports an unknown service
		}
		u := use{s.Name, p.BackupID}
		if other, taken := users[u]; taken {
			v.fail("remote-backup-profile "+p.Name, "backup-id %d of remote-backup-service %s is that of %s too", p.BackupID, s.Name, other)
			return
		}
		users[u] = p.Name
	})
}

func (v *validator) eTrunk(t *ETrunk) {
	where := fmt.Sprintf("e-trunk %d", t.ID)
	if !t.Key.isSet() {
		v.warn(where, "it has no security-key, so it sends and accepts nothing")
	}
	switch {
	case t.Peer.IsValid():
	case len(t.Heartbeats) > 0:
		v.fail(where, "a heartbeat goes beside peer-ipv6, which is missing")
	default:
		v.warn(where, "it has no peer-ipv6, so it cannot find its peer")
	}
	v.vpn(where, t.VPN)
	v.heartbeats(where, t)
	if _, err := v.m.BoundSession(t); err != nil {
		v.fail(where, "%v", err)
	}
	v.ownSession(where, t)
	remote := map[uint32]uint32{}
	for _, member := range v.m.Members(t.ID) {
		if other, taken := remote[member.RemoteEthTrunk]; taken {
			v.fail(where, "Eth-Trunk %d and Eth-Trunk %d have the same remote-eth-trunk %d", other, member.EthTrunk, member.RemoteEthTrunk)
		}
		remote[member.RemoteEthTrunk] = member.EthTrunk
	}
}

func (v *validator) iface(i *Interface) {
	where := "interface " + string(i.Name)
	if i.MLD.Proxy && i.MLD.Enabled {
		v.fail(where, "it cannot be upstream (mld proxy) and downstream (mld enable)")
	}
	if t := v.m.Tuning(i); (i.MLD.Enabled || i.MLD.Proxy) && t.MaxResponse >= t.QueryInterval {
		v.fail(where, "the max-response-time %v must be less than the query interval %v", t.MaxResponse, t.QueryInterval)
	}
	if i.ETrunk != 0 && v.m.ETrunks[i.ETrunk] == nil {
		v.fail(where, "unknown e-trunk %d; known: %s", i.ETrunk, listOrNone(numbers(v.m.ETrunks)))
	}
	if i.Profile != "" {
		v.boundProfile(where, i)
	}
	if i.Trunk != "" {
		v.port(where, i)
	}
	if i.VLAN != 0 {
		v.subInterface(where, i)
	}
	v.boundVPN(where, i)
	v.mldPolicies(where, i)
}

// mldPolicies checks the access lists that an interface names, and its other settings that
// admit hosts.
func (v *validator) mldPolicies(where string, i *Interface) {
	for _, use := range i.ACLUses() {
		switch acl := v.m.ACLs[use.ACL]; {
		case acl == nil:
			v.fail(where, "%s uses acl ipv6 %s, which does not exist; %s", use.Words, use.ACL, known(v.m.ACLs))
		case len(acl.Rules) == 0:
			v.warn(where, "%s uses acl ipv6 %s, which has no rule and so permits nothing", use.Words, use.ACL)
		}
	}
	if i.MLD.SSMMapping && len(v.m.MLD.SSMMappings) == 0 {
		v.warn(where, "mld ssm-mapping is enabled, and the MLD view has no ssm-mapping")
	}
}

// boundProfile checks the interface that a remote-backup-profile backs up. If the profile
// names an Eth-Trunk, the interface must be that Eth-Trunk or a sub-interface of it, because
// the two devices match their interfaces by the number of the sub-interface.
func (v *validator) boundProfile(where string, i *Interface) {
	p := v.m.Profile(i.Profile)
	if p == nil {
		v.fail(where, "unknown remote-backup-profile %s; %s", i.Profile, known(v.m.Profiles))
		return
	}
	if n, _, on := i.Name.OnEthTrunk(); p.ETrunk != 0 && (!on || n != p.EthTrunk) {
		v.fail(where, "remote-backup-profile %s is bound to Eth-Trunk %d, and the interface is not on it", p.Name, p.EthTrunk)
	}
	switch {
	case i.MLD.Proxy:
		v.fail(where, "an upstream interface (mld proxy) cannot have a remote-backup-profile")
	case !i.MLD.Enabled:
		v.warn(where, "it has a remote-backup-profile and no mld enable, so there is nothing to back up")
	}
}

func numbers[V any](objects map[uint32]*V) []string {
	var list []string
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		list = append(list, fmt.Sprint(id))
	}
	return list
}

func listOrNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
