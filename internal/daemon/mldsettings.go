package daemon

import (
	"tandem/internal/config"
	"tandem/internal/device"
	"tandem/internal/mld"
)

func (d *Daemon) interfaceSettings(m *config.Model, i *config.Interface) device.InterfaceSettings {
	s := device.InterfaceSettings{Netdev: d.links.Netdev(i.Name), Upstream: i.MLD.Proxy, MLD: mldConfig(m, i)}
	if p := m.Profile(i.Profile); p != nil {
		s.Profile = p.Name
	}
	_, s.SubInterface, _ = i.Name.OnEthTrunk()
	return s
}

// mldConfig translates what the operator said of an interface and of all.
func mldConfig(m *config.Model, i *config.Interface) mld.Config {
	tuning := m.Tuning(i)
	c := mld.DefaultConfig() // for the bounds that no command sets
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
	c.PromptLeave, c.PromptPolicy = i.MLD.PromptLeave, policy(m, i.MLD.PromptPolicy)
	c.AccessLimit, c.AccessExcept = int(i.MLD.AccessLimit), policy(m, i.MLD.AccessExcept)
	c.GroupPolicy = policy(m, i.MLD.GroupPolicy)
	if i.MLD.SSMMapping {
		for _, mapping := range m.MLD.SSMMappings {
			c.SSMMapping = append(c.SSMMapping, mld.Mapping{Groups: mapping.Groups, Source: mapping.Source})
		}
	}
	for _, static := range i.MLD.Static {
		c.Static = append(c.Static, mld.StaticGroup{Group: static.Group, Source: static.Source})
	}
	return c
}

// policy makes a policy of an access list: the address of a basic one is the
// group, as is the destination of an advanced one. It is nil without a name.
func policy(m *config.Model, acl string) *mld.Policy {
	if acl == "" {
		return nil
	}
	p := &mld.Policy{Name: acl}
	a := m.ACLs[acl]
	if a == nil { // no configuration in force is so
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
