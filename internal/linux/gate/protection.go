package gate

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Protection is how the kernel protects the gate's table from other programs, above all
// from a firewall that flushes the whole ruleset when it starts.
type Protection uint8

// Protections, the best one first.
const (
	// Persistent tables can be changed by their owner only. When the owner has ended, the
	// table stays until another program deletes it or becomes its owner (Linux 6.9).
	Persistent Protection = iota
	// Owned tables can be changed by their owner only. When the owner ends, the kernel
	// deletes the table (Linux 5.12).
	Owned
	// Unprotected tables can be changed by any process with CAP_NET_ADMIN.
	Unprotected
)

func (p Protection) String() string {
	return [...]string{Persistent: "persistent", Owned: "owned", Unprotected: "none"}[p]
}

// Flags of tables in linux/netfilter/nf_tables.h. The package x/sys lacks them.
const (
	tableOwner   = 1 << 1
	tablePersist = 1 << 2
)

// flags returns the table flags of a protection.
func (p Protection) flags() uint32 {
	return [...]uint32{Persistent: tableOwner | tablePersist, Owned: tableOwner, Unprotected: 0}[p]
}

// refused reports whether an error may mean that the kernel does not know the flags of a
// table.
func refused(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL)
}
