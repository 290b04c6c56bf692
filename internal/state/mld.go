package state

import (
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
	"tandem/internal/proof"
)

// Upstream is the interface towards the sources.
type Upstream struct {
	Name   string        `name:"interface" label:"interface"` // the name as configured, in canonical form
	Netdev string        `name:"netdev"`                      // the interface's Linux name, empty while it does not exist
	Up     bool          `name:"up" metric:"interface_up" at:"side=upstream" help:"1 while the multicast interface is up."`
	Able   bool          `name:"able" metric:"interface_able" at:"side=upstream" help:"1 while the kernel lets the multicast interface do its work: IPv6, MTU, link-local address, sending."`
	Lacks  string        `name:"unable-reason"` // the reason why the interface cannot work, empty if it can
	For    time.Duration `name:"able-for"`      // how long the interface has been able to work, or unable for the same reason
}

// Downstreams holds the interfaces towards hosts.
type Downstreams struct {
	Interfaces []Downstream `name:"interfaces"`
}

// Downstream is an interface towards hosts: the state of MLD, and this device's duty on
// it.
type Downstream struct {
	Name    string        `name:"interface" label:"interface"` // the name as configured, in canonical form
	Netdev  string        `name:"netdev"`                      // the interface's Linux name, empty while it does not exist
	Up      bool          `name:"up" metric:"interface_up" at:"side=downstream"`
	Able    bool          `name:"able" metric:"interface_able" at:"side=downstream"`
	Deaf    bool          `name:"deaf" metric:"mld_deaf" help:"1 while no host answers the queries of the device, although hosts are there."`
	Lacks   string        `name:"unable-reason"` // the reason why the interface cannot work, empty if it can
	For     time.Duration `name:"able-for"`      // how long the interface has been able to work, or unable for the same reason
	DeafFor time.Duration `name:"deaf-for"`
	Groups  int           `name:"total-mld-groups-reported" metric:"mld_groups" help:"Groups with listeners on the interface."`
	Records int           `name:"total-host-records" metric:"mld_records" help:"Listener records on the interface, one for each host of a group."`
	// IsQuerier says that this device is the querier. Elected is the address of the
	// querier, the zero Addr if none is known.
	IsQuerier bool       `name:"is-querier" metric:"mld_querier" help:"1 while this device is the querier of the interface."`
	Elected   netip.Addr `name:"elected-querier"`
	// Foreign is a router that sends queries and is not followed. It is the zero Addr if
	// there is none.
	Foreign netip.Addr `name:"foreign-querier" none:"-"`

	mld.Counters `metric:"mld_" help:"MLD"`

	LinkLocal netip.Addr `name:"link-local"`
	Profile   string     `name:"remote-backup-profile"`
	MLDUp     bool       `name:"mld-state" words:"up,down"`
	Version   int        `name:"current-mld-version"`

	// Times and counts (RFC 9777, section 9): the configured ones, and those of the
	// querier, which are in use.
	QueryInterval        Interval `name:"value-of-query-interval-for-mld-configured"`
	QueryIntervalInUse   Interval `name:"value-of-query-interval-for-mld-negotiated"`
	Robustness           int      `name:"robustness-configured"`
	RobustnessInUse      int      `name:"robustness-negotiated"`
	MaxResponse          Interval `name:"value-of-maximum-query-response-time-for-mld"`
	OtherQuerierPresent  Timer    `name:"value-of-other-querier-timeout-for-mld"`
	LastListenerTime     Interval `name:"value-of-last-listener-query-time"` // in use
	LastListenerInterval Interval `name:"value-of-last-listener-query-interval"`
	StartupQueryInterval Interval `name:"value-of-startup-query-interval"`
	StartupQueryCount    int      `name:"value-of-startup-query-count"`
	GeneralQueryIn       Timer    `name:"general-query-timer-expiry"`

	// Which hosts and groups are admitted. Policies are names of access lists.
	RequireRouterAlert bool   `name:"require-router-alert" words:"enabled,disabled"`
	SendRouterAlert    bool   `name:"send-router-alert" words:"enabled,disabled"`
	PromptLeave        bool   `name:"prompt-leave" words:"enabled,disabled"`
	PromptPolicy       string `name:"prompt-leave-group-policy"`
	SSMMapping         bool   `name:"ssm-mapping" words:"enabled,disabled"`
	GroupPolicy        string `name:"mld-group-policy"`
	SourcePolicy       string `name:"mld-ip-source-policy"`
	QueryPolicy        string `name:"mld-query-ip-source-policy"`
	Limit              int    `name:"mld-limit" none:"0"`
	LimitExcept        string `name:"limit-excepts"`
	Limited            int    `name:"limit-counts"` // the entries that count against Limit
	HostLimit          int    `name:"host-limit"`
	StaticGroups       int    `name:"static-groups"`

	Duty       device.DutyKind `name:"duty"`
	DutyReason string          `name:"duty-reason"`
	Covers     etrunk.Buckets  `name:"gate-passes-buckets"`
	// MayQuery says that this device has the querier's duty.
	MayQuery bool `name:"querier-duty"`

	// Computed by Conclude.
	Querier         string `name:"querier-for-mld"`
	Joins           uint64 `name:"mld-activity-joins"`
	Dones           uint64 `name:"mld-activity-dones"`
	RefusedByPolicy uint64 `name:"joins-refused-by-group-policy"`
	RefusedByLimit  uint64 `name:"joins-refused-by-limit"`
	RefusedByHost   uint64 `name:"joins-refused-by-host-limit"`
}

// MLDCounters holds the MLD counters of all interfaces, the upstream one included.
type MLDCounters struct {
	Interfaces []MLDCounted `name:"interfaces"`
}

// MLDCounted holds the MLD counters of one interface.
type MLDCounted struct {
	Name         string     `name:"interface" label:"interface"` // as configured, in canonical form
	LinkLocal    netip.Addr `name:"link-local"`
	mld.Counters `metric:"mld_" help:"MLD"`

	// Computed by Conclude.
	Messages []MessageKind `name:"messages"`
	Invalid  []DropCause   `name:"invalid"`
}

// MessageKind is the number of MLD messages of one kind.
type MessageKind struct {
	Kind     string `name:"message-type"`
	Sent     uint64 `name:"sent"`
	Received uint64 `name:"received"`
}

// DropCause is the number of messages, or of records of reports, that were dropped for
// one cause.
type DropCause struct {
	Cause   mld.DropCause `name:"invalid"`
	Dropped uint64        `name:"dropped"`
}

// downstreamOf returns the state of an interface towards hosts.
func downstreamOf(i *device.InterfaceSnapshot) Downstream {
	m := &i.MLD
	return Downstream{
		Name: i.Name, Netdev: i.Netdev, Up: i.Up, Able: i.Lacks == proof.LacksNothing, Lacks: i.Lacks.String(), Deaf: i.Deaf != proof.NoWitness, Profile: i.Profile,
		Groups: m.Groups, Records: m.Records, IsQuerier: m.IsQuerier, Elected: m.Querier, Foreign: m.ForeignQuerier, Counters: m.Counters,
		LinkLocal: m.LinkLocal, MLDUp: m.Up, Version: m.Version,
		QueryInterval: Interval(m.QueryInterval), QueryIntervalInUse: Interval(m.InUse.QueryInterval),
		Robustness: m.Robustness, RobustnessInUse: m.InUse.Robustness,
		MaxResponse: Interval(m.MaxResponse), OtherQuerierPresent: Timer(m.OtherQuerierPresent),
		LastListenerTime: Interval(m.InUse.LastListenerQueryTime()), LastListenerInterval: Interval(m.LastListenerInterval),
		StartupQueryInterval: Interval(m.StartupQueryInterval()), StartupQueryCount: m.Robustness, GeneralQueryIn: Timer(m.GeneralQueryIn),
		RequireRouterAlert: m.RequireRouterAlert, SendRouterAlert: m.SendRouterAlert,
		PromptLeave: m.PromptLeave, PromptPolicy: policyName(m.PromptPolicy), SSMMapping: len(m.SSMMapping) > 0,
		GroupPolicy: policyName(m.GroupPolicy), Limit: m.AccessLimit, LimitExcept: policyName(m.AccessExcept), Limited: m.Entries, HostLimit: m.MaxHost,
		SourcePolicy: hostPolicyName(m.SourcePolicy), QueryPolicy: hostPolicyName(m.QueryPolicy),
		StaticGroups: len(m.Static),
		Duty:         i.Duty.Kind, DutyReason: i.Duty.Reason, Covers: i.Duty.Covers, MayQuery: i.Duty.Querier,
	}
}

func policyName(p *mld.Policy) string {
	if p == nil {
		return ""
	}
	return p.Name
}

func hostPolicyName(p *mld.HostPolicy) string {
	if p == nil {
		return ""
	}
	return p.Name
}

// Conclude implements [Concluder].
func (i *Downstream) Conclude() {
	i.Querier = ""
	if i.Elected.IsValid() {
		i.Querier = i.Elected.String()
	}
	if i.IsQuerier && i.Querier != "" {
		i.Querier += " (this router)"
	}
	i.Joins, i.Dones = i.Activity.Joins, i.Activity.Leaves
	i.RefusedByPolicy, i.RefusedByLimit = i.Drops.Policy, i.Drops.Access+i.Drops.Limit
	i.RefusedByHost = i.Drops.Host
}

// Conclude implements [Concluder].
func (c *MLDCounted) Conclude() {
	out, in := &c.Sent, &c.Received
	c.Messages = []MessageKind{
		{"General Query", out.GeneralQueries, in.GeneralQueries},
		{"Group Query", out.GroupQueries, in.GroupQueries},
		{"Source Group Query", out.SourceQueries, in.SourceQueries},
		{"MLDv1 Report", out.ReportsV1, in.ReportsV1},
		{"MLDv1 Done", out.Dones, in.Dones},
		{"MLDv2 Report", out.ReportsV2, in.ReportsV2},
		{"MLDv2 Report Records", out.Records, in.Records},
		{"Other Version Query", out.OtherVersion, in.OtherVersion},
	}
	c.Invalid = nil
	for cause, n := range c.Drops.All() {
		c.Invalid = append(c.Invalid, DropCause{cause, n})
	}
}

// MLDDefaults holds the times, counts and bounds of MLD that count when nothing is
// configured (RFC 9777, section 9).
type MLDDefaults struct {
	Version              int      `name:"mld-version"`
	Robustness           int      `name:"robustness-variable"`
	QueryInterval        Interval `name:"query-interval"`
	MaxResponse          Interval `name:"query-response-interval"`
	ListeningInterval    Interval `name:"multicast-address-listening-interval"`
	OtherQuerierPresent  Interval `name:"other-querier-present-interval"`
	StartupQueryInterval Interval `name:"startup-query-interval"`
	StartupQueryCount    int      `name:"startup-query-count"`
	LastListenerInterval Interval `name:"last-listener-query-interval"`
	LastListenerCount    int      `name:"last-listener-query-count"`
	LastListenerTime     Interval `name:"last-listener-query-time"`
	RequireRouterAlert   bool     `name:"require-router-alert" words:"enabled,disabled"`
	SendRouterAlert      bool     `name:"send-router-alert" words:"enabled,disabled"`
	PromptLeave          bool     `name:"prompt-leave" words:"enabled,disabled"`
	GroupPolicy          string   `name:"group-policy"`
	SSMMapping           bool     `name:"ssm-mapping" words:"enabled,disabled"`
	Limit                int      `name:"access-limit" none:"0"`
	MaxRecords           int      `name:"limit-of-records-of-all-interfaces" none:"0"`
	MaxEntries           int      `name:"limit-of-groups-and-sources-of-all-interfaces"`
	MaxGroupSources      int      `name:"limit-of-sources-of-a-group"`
	MaxSources           int      `name:"limit-of-sources-in-a-record"`
	MaxHost              int      `name:"host-limit"`
}

// MLDDefaultsOf returns the defaults from the configuration of a single interface.
func MLDDefaultsOf(c mld.Config) MLDDefaults {
	return MLDDefaults{
		Version: c.Version, Robustness: c.Robustness, QueryInterval: Interval(c.QueryInterval), MaxResponse: Interval(c.MaxResponse),
		ListeningInterval: Interval(c.ListeningInterval()), OtherQuerierPresent: Interval(c.OtherQuerierPresentInterval()),
		StartupQueryInterval: Interval(c.StartupQueryInterval()), StartupQueryCount: c.Robustness,
		LastListenerInterval: Interval(c.LastListenerInterval), LastListenerCount: c.Robustness,
		LastListenerTime:   Interval(c.LastListenerQueryTime()),
		RequireRouterAlert: c.RequireRouterAlert, SendRouterAlert: c.SendRouterAlert, PromptLeave: c.PromptLeave,
		GroupPolicy: policyName(c.GroupPolicy), SSMMapping: len(c.SSMMapping) > 0, Limit: c.AccessLimit, MaxSources: c.MaxSources,
		MaxRecords: c.MaxRecords, MaxEntries: c.MaxEntries, MaxGroupSources: c.MaxGroupSources, MaxHost: c.MaxHost,
	}
}
