package mld

import (
	"net/netip"
	"reflect"
	"slices"
)

// Policy decides about streams by ordered rules: the first that applies decides,
// and what none applies to is denied. It is not modified once it is in use. The
// nil Policy leaves the decision to where it is named.
type Policy struct {
	Name  string // for displays
	Rules []PolicyRule
}

// PolicyRule permits or denies the groups of one range from the sources of
// another. The zero prefix has every address.
type PolicyRule struct {
	Permit        bool
	Group, Source netip.Prefix
}

// permits reports whether the policy lets a source of a group pass. The source ::
// stands for all of them, as a host in EXCLUDE mode or one of MLDv1 wants them:
// only rules about every source apply to it.
func (p *Policy) permits(group, source netip.Addr) bool {
	for i := range p.Rules {
		if r := &p.Rules[i]; has(r.Group, group) && has(r.Source, source) {
			return r.Permit
		}
	}
	return false
}

func has(p netip.Prefix, a netip.Addr) bool { return !p.IsValid() || p.Contains(a) }

// equal reports whether two policies decide alike under the same name.
func (p *Policy) equal(o *Policy) bool { return reflect.DeepEqual(p, o) }

// Mapping names a source for the groups of a range. A host that asks for such a
// group without naming sources gets the sources of all mappings that have the
// group, and no others.
type Mapping struct {
	Groups netip.Prefix
	Source netip.Addr
}

// StaticGroup is a group, or one source of it, that is sent whether anybody
// listens or not. Source is the zero Addr for every source.
type StaticGroup struct {
	Group, Source netip.Addr
}

// Equal reports whether two configurations ask for the same.
func (c Config) Equal(o Config) bool { return reflect.DeepEqual(c, o) }

// sameAdmission reports whether two configurations accept the same joins.
func (c Config) sameAdmission(o Config) bool {
	return c.sameView(o) && c.AccessLimit == o.AccessLimit && c.AccessExcept.equal(o.AccessExcept) &&
		c.MaxRecords == o.MaxRecords && c.MaxSources == o.MaxSources
}

// sameView reports whether two configurations make the same of the same records.
func (c Config) sameView(o Config) bool {
	return c.GroupPolicy.equal(o.GroupPolicy) && slices.Equal(c.SSMMapping, o.SSMMapping)
}

// restricts reports whether what is sent may differ from what hosts asked for.
func (c *Config) restricts() bool { return c.GroupPolicy != nil || len(c.SSMMapping) > 0 }

// permits applies the group policy, which there need not be.
func (c *Config) permits(group, source netip.Addr) bool {
	return c.GroupPolicy == nil || c.GroupPolicy.permits(group, source)
}

// maps reports whether a group has mapped sources, and whether this is one of them.
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

// mappedSources lists the sources of a group's mappings, sorted.
func (c *Config) mappedSources(group netip.Addr) (list []netip.Addr) {
	for i := range c.SSMMapping {
		if c.SSMMapping[i].Groups.Contains(group) {
			list = append(list, c.SSMMapping[i].Source)
		}
	}
	return appendSources(nil, list)
}

// prompts reports whether what has been left is dropped without asking.
func (c *Config) prompts(group, source netip.Addr) bool {
	return c.PromptLeave && (c.PromptPolicy == nil || c.PromptPolicy.permits(group, source))
}
