// Package caps tells whether the process may do what a multicast router does.
package caps

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// needed are the capabilities that the adapters use, with what for.
var needed = []struct {
	bit  uint
	name string
	use  string
}{
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", "forwarding table, gate and interfaces"},
	{unix.CAP_NET_RAW, "CAP_NET_RAW", "MLD sockets"},
}

// MissingError names the capabilities that the process does not have.
type MissingError struct {
	// Names are such as "CAP_NET_ADMIN"; there is at least one.
	Names []string
	uses  []string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("missing %s (needed for %s): run as root or grant them to the program",
		strings.Join(e.Names, " and "), strings.Join(e.uses, "; "))
}

// Check returns a *MissingError unless the calling thread has all the
// capabilities that a device needs in its effective set. To be root of a user
// namespace is enough when the network namespace belongs to it, which only
// the first use can tell.
func Check() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	// Version 3 has 64 bits in two words.
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	return check(uint64(data[1].Effective)<<32 | uint64(data[0].Effective))
}

// check judges an effective set.
func check(effective uint64) error {
	var e MissingError
	for _, c := range needed {
		if effective&(1<<c.bit) == 0 {
			e.Names = append(e.Names, c.name)
			e.uses = append(e.uses, c.use)
		}
	}
	if len(e.Names) == 0 {
		return nil
	}
	return &e
}
