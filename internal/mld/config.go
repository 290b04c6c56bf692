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
	RequireRouterAlert   bool          // drop messages that lack the Router Alert option
	SendRouterAlert      bool          // put the option into what is sent, default on
	// Bounds on what hosts can make the database hold; 0 means none. Past them a
	// join is refused and counted, and nothing already learnt is lost.
	MaxRecords int // on the interface
	MaxSources int // in one record
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
