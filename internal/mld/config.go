package mld

import "time"

// Config holds the variables of RFC 9777, section 9, for one interface.
type Config struct {
	Version              int           // 1 or 2
	QueryInterval        time.Duration // 1..18000 s, default 125 s
	MaxResponse          time.Duration // default 10 s
	LastListenerInterval time.Duration // default 1 s
	Robustness           int           // 2..5, default 2
	PromptLeave          bool          // end a stream at once when its last listener leaves, without queries
	PromptPolicy         *Policy       // the groups and sources to which PromptLeave applies; nil for all
	RequireRouterAlert   bool          // drop messages that lack the Router Alert option
	SendRouterAlert      bool          // put the Router Alert option into messages to send, default on
	// Paired says that both devices of a pair serve the interface and replicate their
	// records. Then no query of another router changes an election, a timer or a record,
	// unless QueryPolicy permits that router.
	Paired bool
	// QueryPolicy permits the routers whose queries count, by their link-local addresses. If
	// it is nil, all count, or none if Paired is set.
	QueryPolicy *HostPolicy
	// SourcePolicy permits the hosts whose reports and Dones count, nil for all.
	SourcePolicy *HostPolicy
	// Bounds of the database; 0 for no bound. A join that would exceed one is refused and
	// counted. No existing record is removed. Near a bound, the hosts that hold most are
	// refused first (see fits).
	MaxRecords      int // on the interface, tombstones included
	MaxEntries      int // groups, and sources that hosts name, on the interface
	MaxGroupSources int // sources of one group that hosts name
	MaxSources      int // in one record
	MaxHost         int // groups and sources in the records of one host
	// AccessLimit bounds the entries that hosts ask for, 0 for no bound. A group without
	// named sources is one entry, and each named source is one. What AccessExcept permits
	// is neither counted nor refused.
	AccessLimit  int
	AccessExcept *Policy
	// GroupPolicy decides what hosts may ask for, nil for everything. It is applied to
	// joins and to forwarding, so it also applies to existing records, and to records of
	// the peer. It does not apply to static groups.
	GroupPolicy *Policy
	// SSMMapping names sources for hosts that name none, in groups of source-specific
	// multicast (RFC 4607).
	SSMMapping []Mapping
	// Static lists what is sent whether a host listens or not.
	Static []StaticGroup
}

// DefaultConfig returns the defaults of RFC 9777, section 9, with bounds that no link
// reaches in normal use.
func DefaultConfig() Config {
	return Config{
		Version:              2,
		QueryInterval:        125 * time.Second,
		MaxResponse:          10 * time.Second,
		LastListenerInterval: time.Second,
		Robustness:           2,
		SendRouterAlert:      true,
		MaxRecords:           1 << 20,
		MaxEntries:           1 << 18,
		MaxGroupSources:      256,
		MaxSources:           1024,
		MaxHost:              4096,
	}
}

// ListeningInterval returns how long a record lives that is not refreshed (Multicast
// Address Listening Interval, section 9.4).
func (c Config) ListeningInterval() time.Duration {
	return time.Duration(c.Robustness)*c.QueryInterval + c.MaxResponse
}

// OtherQuerierPresentInterval returns how long after its last query another querier
// counts as present (section 9.5).
func (c Config) OtherQuerierPresentInterval() time.Duration {
	return time.Duration(c.Robustness)*c.QueryInterval + c.MaxResponse/2
}

// StartupQueryInterval returns the time between the general queries at start (section 9.6).
func (c Config) StartupQueryInterval() time.Duration { return c.QueryInterval / 4 }

// LastListenerQueryTime returns how long a group is still sent after its last listener
// has left, while the querier asks the remaining hosts (section 9.10).
func (c Config) LastListenerQueryTime() time.Duration {
	return time.Duration(c.Robustness) * c.LastListenerInterval
}
