package gate

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Protection is how the kernel protects the gate's table from others: from a firewall that
// flushes the whole ruleset when it starts, above all.
type Protection uint8

// Protections, the best one first.
const (
	// Persistent tables are changed by their owner only. When it has ended they stay as they
	// are until somebody deletes or takes them (Linux 6.9).
	Persistent Protection = iota
	// Owned tables are changed by their owner only, and go with it (Linux 5.12).
	Owned
	// Unprotected tables can be changed by anybody with the capability.
	Unprotected
)

// String is for displays.
func (p Protection) String() string {
	return [...]string{Persistent: "persistent", Owned: "owned", Unprotected: "none"}[p]
}

// Flags of tables in linux/netfilter/nf_tables.h, which x/sys does not have.
const (
	tableOwner   = 1 << 1
	tablePersist = 1 << 2
)

// flags are those of a table.
func (p Protection) flags() uint32 {
	return [...]uint32{Persistent: tableOwner | tablePersist, Owned: tableOwner, Unprotected: 0}[p]
}

// refused reports whether the kernel may not have known the flags of a table.
func refused(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL)
}
