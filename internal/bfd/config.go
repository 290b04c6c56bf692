package bfd

import (
	"fmt"
	"net/netip"
	"time"
)

// Defaults of a session's intervals and multiplier: detection in 30 ms.
const (
	DefaultInterval   = 10 * time.Millisecond
	DefaultDetectMult = 3
)

// Bounds of a configured interval. Below a millisecond a process cannot keep its
// word; above 20 s detection is of no use to anybody.
const (
	minInterval = time.Millisecond
	maxInterval = 20 * time.Second
)

// Multihop reports whether the session spans routers (RFC 5883) instead of one link.
func (c Config) Multihop() bool { return c.Interface == "" }

// withDefaults fills in the intervals and the multiplier where they are zero and
// strips the zones of the addresses, as the interface says the same.
func (c Config) withDefaults() Config {
	if c.MinTx == 0 {
		c.MinTx = DefaultInterval
	}
	if c.MinRx == 0 {
		c.MinRx = DefaultInterval
	}
	if c.DetectMult == 0 {
		c.DetectMult = DefaultDetectMult
	}
	c.Peer, c.Local = c.Peer.WithZone(""), c.Local.WithZone("")
	return c
}

// ConfigError is a refusal of a configuration: the session, the field of Config,
// and what is wrong with it.
type ConfigError struct {
	Session, Field, Reason string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("bfd session %q: %s %s", e.Session, e.Field, e.Reason)
}

// validate checks c, defaults filled in. The error is a *ConfigError. The local
// address may be left out: the kernel then chooses the source.
func (c Config) validate() error {
	fail := func(field, format string, args ...any) error {
		return &ConfigError{c.Name, field, fmt.Sprintf(format, args...)}
	}
	switch {
	case c.Name == "" || len(c.Name) > 64:
		return fail("Name", "has %d characters, not 1 to 64", len(c.Name))
	case !unicast(c.Peer):
		return fail("Peer", "%v is not an IPv6 unicast address", c.Peer)
	case c.Local.IsValid() && !unicast(c.Local):
		return fail("Local", "%v is not an IPv6 unicast address", c.Local)
	case c.Peer == c.Local:
		return fail("Peer", "is the local address %v", c.Peer)
	case c.Multihop() && c.Peer.IsLinkLocalUnicast():
		return fail("Peer", "%v is link-local and no interface is given", c.Peer)
	case c.LocalDiscriminator == 0:
		return fail("LocalDiscriminator", "is zero")
	case c.DetectMult == 0:
		return fail("DetectMult", "is zero")
	case c.TOSExp > 7:
		return fail("TOSExp", "%d is above 7", c.TOSExp)
	case c.WaitToRestore < 0:
		return fail("WaitToRestore", "%v is negative", c.WaitToRestore)
	}
	if !intervalOK(c.MinTx) {
		return fail("MinTx", "%v is not between %v and %v", c.MinTx, minInterval, maxInterval)
	}
	if !intervalOK(c.MinRx) {
		return fail("MinRx", "%v is not between %v and %v", c.MinRx, minInterval, maxInterval)
	}
	return nil
}

func unicast(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && !a.IsMulticast() && !a.IsUnspecified()
}

func intervalOK(d time.Duration) bool { return d >= minInterval && d <= maxInterval }

// validateAll checks every configuration by itself and against the others:
// names, discriminators and (interface, peer, local) are each unique.
func validateAll(cfgs []Config) error {
	names := make(map[string]bool, len(cfgs))
	discriminators := make(map[uint32]string, len(cfgs))
	ends := make(map[endpoints]string, len(cfgs))
	for _, c := range cfgs {
		if err := c.validate(); err != nil {
			return err
		}
		if names[c.Name] {
			return &ConfigError{c.Name, "Name", "is used twice"}
		}
		if other, taken := discriminators[c.LocalDiscriminator]; taken {
			return &ConfigError{c.Name, "LocalDiscriminator",
				fmt.Sprintf("%d is that of session %q", c.LocalDiscriminator, other)}
		}
		if other, taken := ends[c.endpoints()]; taken {
			return &ConfigError{c.Name, "Peer", fmt.Sprintf("and Local are those of session %q", other)}
		}
		names[c.Name] = true
		discriminators[c.LocalDiscriminator] = c.Name
		ends[c.endpoints()] = c.Name
	}
	return nil
}
