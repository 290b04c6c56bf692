package rbs

import (
	"fmt"
	"net/netip"
	"time"
)

// Defaults of Config.
const (
	DefaultPort              = 7000
	defaultKeepaliveInterval = 500 * time.Millisecond
	defaultDeadInterval      = 1500 * time.Millisecond
	defaultBackoffMin        = 100 * time.Millisecond
	defaultBackoffMax        = 5 * time.Second
)

// Config is the configuration of one service. The device with the numerically
// higher address connects, the other listens.
type Config struct {
	Name        string
	Local, Peer netip.Addr
	Port        uint16 // 0 means DefaultPort
	Enabled     bool
	// Detour holds the addresses between which connections are made in place of Local and
	// Peer; the zero Ends for none. Local and Peer still identify the devices: they
	// decide which device connects, and for which address a certificate must be.
	Detour Ends
	// Wait says why no connection may be made yet. It is empty if connections may be
	// made.
	Wait string
	// Pin says which certificate and device ID the peer must have.
	Pin Pin

	// KeepaliveInterval is the time between keepalives. When no byte has come from the
	// peer for DeadInterval, the connection ends. 0 means the default.
	KeepaliveInterval, DeadInterval time.Duration
	// BackoffMin and BackoffMax bound the wait before the next attempt to
	// connect or listen; it doubles from one failure to the next. 0 means the default.
	BackoffMin, BackoffMax time.Duration
}

// Ends are the addresses of a connection.
type Ends struct{ Local, Peer netip.Addr }

// ends returns the addresses between which connections are made.
func (c Config) ends() Ends {
	if c.Detour != (Ends{}) {
		return c.Detour
	}
	return Ends{c.Local, c.Peer}
}

// withDefaults returns c with every 0 replaced by its default.
func (c Config) withDefaults() Config {
	if c.Port == 0 {
		c.Port = DefaultPort
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&c.KeepaliveInterval, defaultKeepaliveInterval},
		{&c.DeadInterval, defaultDeadInterval},
		{&c.BackoffMin, defaultBackoffMin},
		{&c.BackoffMax, defaultBackoffMax},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	return c
}

// check returns why no connection can be made with c, nil when one can.
func (c Config) check() error {
	switch {
	case !usable(c.Local):
		return fmt.Errorf("rbs: source address %v is not an IPv6 unicast address", c.Local)
	case !usable(c.Peer):
		return fmt.Errorf("rbs: peer address %v is not an IPv6 unicast address", c.Peer)
	case c.Local == c.Peer:
		return fmt.Errorf("rbs: source and peer address are both %v", c.Local)
	}
	return nil
}

func usable(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && !a.IsMulticast() && !a.IsUnspecified()
}

// connects reports whether this end is the one that connects.
func (c Config) connects() bool { return c.Peer.Less(c.Local) }
