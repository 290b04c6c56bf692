package mld

import (
	"net/netip"
	"reflect"
	"slices"
)

// Policy permits or denies streams by ordered rules. The first rule that applies decides.
// If none applies, the stream is denied. A Policy must not be modified once it is in use.
// The place that uses a Policy says what nil means there.
type Policy struct {
	Name  string // for displays
	Rules []PolicyRule
}

// PolicyRule permits or denies the groups of one range from the sources of another range.
// The zero prefix contains every address.
type PolicyRule struct {
	Permit        bool
	Group, Source netip.Prefix
}

// permits reports whether the policy permits a source of a group. The source :: stands
// for all sources: hosts in EXCLUDE mode and MLDv1 hosts want those. Only rules without a
// source range apply to it.
func (p *Policy) permits(group, source netip.Addr) bool {
	for i := range p.Rules {
		if r := &p.Rules[i]; has(r.Group, group) && has(r.Source, source) {
			return r.Permit
		}
	}
	return false
}

func has(p netip.Prefix, a netip.Addr) bool { return !p.IsValid() || p.Contains(a) }

// equal reports whether two policies have the same name and the same rules.
func (p *Policy) equal(o *Policy) bool { return reflect.DeepEqual(p, o) }

// HostPolicy permits or denies senders by ordered rules. The first rule that applies
// decides. If none applies, the sender is denied. It must not be modified once it is in use.
type HostPolicy struct {
	Name  string // for displays
	Rules []HostRule
}

// HostRule permits or denies the senders of one range. The zero prefix contains every address.
type HostRule struct {
	Permit bool
	Hosts  netip.Prefix
}

// permits reports whether the policy permits messages of a sender. A nil policy permits
// all.
func (p *HostPolicy) permits(host netip.Addr) bool {
	if p == nil {
		return true
	}
	for _, r := range p.Rules {
		if has(r.Hosts, host) {
			return r.Permit
		}
	}
	return false
}

// Mapping maps the groups of a range to a source (SSM mapping). A host that asks for such a
// group without naming sources gets the sources of all mappings of the group, and no
// others.
type Mapping struct {
	Groups netip.Prefix
	Source netip.Addr
}

// StaticGroup is a group, or one source of a group, that is sent even without a listener.
// The zero Source stands for all sources.
type StaticGroup struct {
	Group, Source netip.Addr
}

// Equal reports whether two configurations are the same.
func (c Config) Equal(o Config) bool { return reflect.DeepEqual(c, o) }

// sameAdmission reports whether two configurations accept the same joins.
func (c Config) sameAdmission(o Config) bool {
	return c.sameView(o) && c.AccessLimit == o.AccessLimit && c.AccessExcept.equal(o.AccessExcept) &&
		c.MaxRecords == o.MaxRecords && c.MaxSources == o.MaxSources
}

// sameView reports whether the same records lead to the same forwarding under two
// configurations.
func (c Config) sameView(o Config) bool {
	return c.GroupPolicy.equal(o.GroupPolicy) && slices.Equal(c.SSMMapping, o.SSMMapping)
}

// restricts reports whether what is sent may differ from what hosts ask for.
func (c *Config) restricts() bool { return c.GroupPolicy != nil || len(c.SSMMapping) > 0 }

// permits reports whether the group policy, if there is one, permits a source of a group.
func (c *Config) permits(group, source netip.Addr) bool {
	return c.GroupPolicy == nil || c.GroupPolicy.permits(group, source)
}

// maps reports whether a group has mapped sources, and whether source is one of them.
func (c *Config) maps(group, source netip.Addr) (mapped, listed bool) {
	for i := range c.SSMMapping {
		if m := &c.SSMMapping[i]; m.Groups.Contains(group) {
			if m.Source == source {
				return true, true
			}
			mapped = true
		}
	}
	return mapped, false
}

// mappedSources returns the sources of a group's mappings, sorted.
func (c *Config) mappedSources(group netip.Addr) (list []netip.Addr) {
	for i := range c.SSMMapping {
		if c.SSMMapping[i].Groups.Contains(group) {
			list = append(list, c.SSMMapping[i].Source)
		}
	}
	return appendSources(nil, list)
}

// leavesPromptly reports whether a source is no longer sent from the moment its last
// listener leaves, without last listener queries.
func (c *Config) leavesPromptly(group, source netip.Addr) bool {
	return c.PromptLeave && (c.PromptPolicy == nil || c.PromptPolicy.permits(group, source))
}
