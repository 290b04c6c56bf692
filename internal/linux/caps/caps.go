// Package caps checks whether the process has the capabilities that a multicast router
// needs.
package caps

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// needed are the capabilities that the packages below internal/linux use, and for what.
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

// Check returns a *MissingError unless the calling thread has all the needed capabilities
// in its effective set. A process can have them in a user namespace only. That is enough
// if the network namespace belongs to this user namespace. Check cannot find this out;
// only the first use of a capability shows it.
func Check() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	// Version 3 of the interface has 64 bits in two words.
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	return check(uint64(data[1].Effective)<<32 | uint64(data[0].Effective))
}

// check returns an error that names the capabilities that an effective set lacks.
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
