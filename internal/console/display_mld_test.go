package console

import (
	"net/netip"
	"time"

	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/mld"
	"tandem/internal/state"
)

// mldOf translates the MLD settings that the transcripts configure on an interface.
func mldOf(m *config.Model, i *config.Interface) mld.Config {
	c, t := mld.DefaultConfig(), m.Tuning(i)
	c.QueryInterval, c.MaxResponse, c.LastListenerInterval = t.QueryInterval, t.MaxResponse, t.LastListenerInterval
	c.Robustness, c.AccessLimit, c.PromptLeave = int(t.Robustness), int(i.MLD.AccessLimit), i.MLD.PromptLeave
	if acl := m.ACLs[i.MLD.GroupPolicy]; acl != nil {
		c.GroupPolicy = &mld.Policy{Name: acl.Name}
		for _, r := range acl.Rules { // the transcripts use only basic access lists
			c.GroupPolicy.Rules = append(c.GroupPolicy.Rules, mld.PolicyRule{Permit: r.Permit, Group: r.Source})
		}
	}
	if i.MLD.SSMMapping {
		c.SSMMapping = m.MLD.SSMMappings
	}
	c.Static = i.MLD.Static
	return c
}

// sampleRestricted is an interface with every setting that restricts hosts.
func sampleRestricted() device.InterfaceSnapshot {
	i := sampleInterfaces()[0]
	m := &i.MLD
	m.GroupPolicy, m.PromptPolicy, m.AccessExcept = &mld.Policy{Name: "2000"}, &mld.Policy{Name: "gold"}, &mld.Policy{Name: "3000"}
	m.PromptLeave, m.AccessLimit, m.Entries = true, 100, 7
	m.SSMMapping = []mld.Mapping{{Groups: netip.MustParsePrefix("ff3e::/32"), Source: source}}
	m.Static = []mld.StaticGroup{{Group: groupA}}
	m.InUse = m.Config
	m.InUse.QueryInterval, m.InUse.Robustness = time.Minute, 3
	m.Querier, m.IsQuerier, m.OtherQuerierPresent = addr("fe80::9"), false, 100*time.Second
	m.Counters.Drops.Policy, m.Counters.Drops.Access, m.Counters.Activity = 3, 4, mld.Activity{Joins: 9, Leaves: 2}
	return i
}

func sampleAdmitted(limit int) state.Groups {
	return groupsOf(sampleRestricted(), limit, []mld.GroupState{
		{Group: groupA, Filter: mld.Filter{Mode: mld.Include, Sources: []netip.Addr{source}}, Static: mld.Filter{Mode: mld.Exclude},
			Uptime: time.Hour, Expires: time.Minute, LastReporter: addr("fe80::11"), Hosts: []mld.HostState{
				{Host: addr("fe80::11"), Filter: mld.Filter{Mode: mld.Exclude}, Mapped: true, V1: true, Age: time.Second, Expires: time.Minute, Origin: selfID}}},
		{Group: groupB, Denied: true, Uptime: time.Minute, Expires: time.Minute, LastReporter: addr("fe80::12"), Hosts: []mld.HostState{
			{Host: addr("fe80::12"), Filter: mld.Filter{Mode: mld.Exclude}, Age: time.Second, Expires: time.Minute, Origin: peerID}}},
		{Group: addr("ff3e::7"), Filter: mld.Filter{Mode: mld.Include, Sources: []netip.Addr{source}}, Uptime: time.Hour,
			Static: mld.Filter{Mode: mld.Include, Sources: []netip.Addr{source}}},
	}...)
}

func sampleACLs() ([]*config.ACL, map[string][]string) {
	prefix := netip.MustParsePrefix
	return []*config.ACL{
			{Name: "2000", Rules: []config.ACLRule{{ID: 5, Permit: true, Source: prefix("ff3e::/16")}, {ID: 10}}},
			{Name: "gold", Advanced: true, Description: "what gold customers get", Rules: []config.ACLRule{
				{ID: 5, Permit: true, Source: prefix("2001:db8:5::/48"), Destination: prefix("ff3e::/32")}}},
			{Name: "3001", Advanced: true},
		}, map[string][]string{
			"2000": {"Eth-Trunk10 (mld group-policy)", "eth1 (mld access-limit except)"},
		}
}
