package settings

import (
	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/mld"
)

// interfaces returns the settings of the multicast interfaces, by configured name.
func (t Translation) interfaces() map[string]device.InterfaceSettings {
	all := make(map[string]device.InterfaceSettings)
	list := t.multicast()
	for _, i := range list {
		s := device.InterfaceSettings{Netdev: t.Links.Netdev(i.Name), Upstream: i.MLD.Proxy, MLD: mldConfig(t.Model, i)}
		shareBounds(&s.MLD, list)
		if p := t.Model.Profile(i.Profile); p != nil {
			s.Profile = p.Name
		}
		_, s.SubInterface, _ = i.Name.OnEthTrunk()
		all[string(i.Name)] = s
	}
	return all
}

// The smallest shares of an interface. They are more than a large network of set-top
// boxes needs on one interface.
const (
	leastRecords = 1 << 16
	leastEntries = 1 << 14
)

// shareBounds gives an interface its share of the bounds of the device. So messages on
// one interface cannot use up the share of another one.
func shareBounds(c *mld.Config, list []*config.Interface) {
	downstreams := 0
	for _, i := range list {
		if !i.MLD.Proxy {
			downstreams++
		}
	}
	c.MaxRecords = max(c.MaxRecords/max(downstreams, 1), leastRecords)
	c.MaxEntries = max(c.MaxEntries/max(downstreams, 1), leastEntries)
}

// multicast returns the multicast interfaces. It returns none if multicast routing is not
// enabled.
func (t Translation) multicast() (interfaces []*config.Interface) {
	for _, i := range t.Model.Interfaces {
		if t.Model.Multicast && (i.MLD.Enabled || i.MLD.Proxy) {
			interfaces = append(interfaces, i)
		}
	}
	return interfaces
}

// mldConfig translates the MLD settings of an interface, with the global ones.
func mldConfig(m *config.Model, i *config.Interface) mld.Config {
	tuning := m.Tuning(i)
	c := mld.DefaultConfig() // the defaults count for bounds that no command sets
	c.Version = int(i.MLD.Version)
	c.QueryInterval = tuning.QueryInterval
	c.MaxResponse = tuning.MaxResponse
	c.LastListenerInterval = tuning.LastListenerInterval
	c.Robustness = int(tuning.Robustness)
	c.RequireRouterAlert = i.MLD.RequireRouterAlert
	c.SendRouterAlert = i.MLD.SendRouterAlert
	if i.MLD.Proxy {
		return c
	}
	if m.MLD.HostLimit > 0 {
		c.MaxHost = int(m.MLD.HostLimit)
	}
	c.PromptLeave, c.PromptPolicy = i.MLD.PromptLeave, policy(m, i.MLD.PromptPolicy)
	c.AccessLimit, c.AccessExcept = int(i.MLD.AccessLimit), policy(m, i.MLD.AccessExcept)
	c.GroupPolicy = policy(m, i.MLD.GroupPolicy)
	c.Paired = i.Profile != ""
	c.SourcePolicy, c.QueryPolicy = senders(m, i.MLD.SourcePolicy), senders(m, i.MLD.QueryPolicy)
	if i.MLD.SSMMapping {
		c.SSMMapping = append(c.SSMMapping, m.MLD.SSMMappings...)
	}
	c.Static = append(c.Static, i.MLD.Static...)
	return c
}

// policy makes a policy from an access list. In a basic list the source of a rule is the
// group, in an advanced list the destination is. Without a name it returns nil.
func policy(m *config.Model, acl string) *mld.Policy {
	if acl == "" {
		return nil
	}
	p := &mld.Policy{Name: acl}
	a := m.ACLs[acl]
	if a == nil { // impossible in a configuration that was validated
		return p
	}
	for _, r := range a.Rules {
		rule := mld.PolicyRule{Permit: r.Permit, Group: r.Source}
		if a.Advanced {
			rule.Group, rule.Source = r.Destination, r.Source
		}
		p.Rules = append(p.Rules, rule)
	}
	return p
}

// senders makes a policy on senders from an access list: the source of a rule is the
// sender. Without a name it returns nil.
func senders(m *config.Model, acl string) *mld.HostPolicy {
	if acl == "" {
		return nil
	}
	p := &mld.HostPolicy{Name: acl}
	if a := m.ACLs[acl]; a != nil { // always true in a configuration that was validated
		for _, r := range a.Rules {
			p.Rules = append(p.Rules, mld.HostRule{Permit: r.Permit, Hosts: r.Source})
		}
	}
	return p
}
