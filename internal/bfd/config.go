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

// Bounds of a configured interval. A process cannot keep an interval below a millisecond.
// Above 20 s, detection is too slow to be useful.
const (
	minInterval = time.Millisecond
	maxInterval = 20 * time.Second
)

// Multihop reports whether the session crosses routers (RFC 5883), and not only one link.
func (c Config) Multihop() bool { return c.Interface == "" }

// withDefaults returns c with defaults for intervals and the multiplier that are zero. It
// removes the zones of the addresses, because Interface names the link.
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

// ConfigError says why a configuration is refused: the session, the field of Config, and what
// is wrong with the field.
type ConfigError struct {
	Session, Field, Reason string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("bfd session %q: %s %s", e.Session, e.Field, e.Reason)
}

// validate checks c, which has its defaults. The error is a *ConfigError. Without a local
// address the kernel chooses the source.
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

// validateAll checks every configuration by itself and against the others: names,
// discriminators and the triple of interface, peer and local address must be unique.
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
