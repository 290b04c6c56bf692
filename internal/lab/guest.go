package lab

import "tandem/internal/vm"

// guestCommand is the command of the first process in a virtual machine. Users do not
// call it.
const guestCommand = "guest"

func runGuest(plan, []string) error {
	vm.GuestMain()
	return nil
}
