package lab

import "tandem/internal/vm"

// guestCommand is the command of a virtual machine's first process; it is
// not for users.
const guestCommand = "guest"

func runGuest(plan, []string) error {
	vm.GuestMain()
	return nil
}
