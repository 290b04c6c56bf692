package mld

import "time"

// Config holds the variables of RFC 9777, section 9, for one interface.
type Config struct {
	Version              int           // 1 or 2
	QueryInterval        time.Duration // 1..18000 s, default 125 s
	MaxResponse          time.Duration // default 10 s
	LastListenerInterval time.Duration // default 1 s
	Robustness           int           // 2..5, default 2
	PromptLeave          bool          // drop the last listener without asking
	PromptPolicy         *Policy       // of these groups and sources only; nil for all
	RequireRouterAlert   bool          // drop messages that lack the Router Alert option
	SendRouterAlert      bool          // put the option into what is sent, default on
	// Bounds on what hosts can make the database hold; 0 means none. Past them a
	// join is refused and counted, and nothing already learnt is lost.
	MaxRecords int // on the interface
	MaxSources int // in one record
	// AccessLimit bounds the entries that hosts ask for, 0 for no bound: a group
	// without named sources is one, and so is each source that is named. What
	// AccessExcept permits is neither counted nor refused.
	AccessLimit  int
	AccessExcept *Policy
	// GroupPolicy decides what hosts may ask for, nil for everything. It is in
	// force at the joins and at the forwarding, so it holds for what is known
	// already and for what the peer has heard as well. Static groups pass it.
	GroupPolicy *Policy
	// SSMMapping names sources for hosts that cannot, or do not (RFC 4607 wants them).
	SSMMapping []Mapping
	// Static is sent whether anybody listens or not.
	Static []StaticGroup
}

// DefaultConfig returns the defaults of RFC 9777, section 9, and bounds that no honest link reaches.
func DefaultConfig() Config {
	return Config{
		Version:              2,
		QueryInterval:        125 * time.Second,
		MaxResponse:          10 * time.Second,
		LastListenerInterval: time.Second,
		Robustness:           2,
		SendRouterAlert:      true,
		MaxRecords:           4 << 20,
		MaxSources:           1024,
	}
}

// ListeningInterval is the time after which an unrefreshed record ends
// (Multicast Address Listening Interval, section 9.4).
func (c Config) ListeningInterval() time.Duration {
	return time.Duration(c.Robustness)*c.QueryInterval + c.MaxResponse
}

// OtherQuerierPresentInterval is how long a silent querier is believed in (section 9.5).
func (c Config) OtherQuerierPresentInterval() time.Duration {
	return time.Duration(c.Robustness)*c.QueryInterval + c.MaxResponse/2
}

// StartupQueryInterval is the gap between the queries sent at start (section 9.6).
func (c Config) StartupQueryInterval() time.Duration { return c.QueryInterval / 4 }

// LastListenerQueryTime is how long a left group is still sent while hosts are asked (section 9.10).
func (c Config) LastListenerQueryTime() time.Duration {
	return time.Duration(c.Robustness) * c.LastListenerInterval
}
