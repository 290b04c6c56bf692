package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestLosses: a terminal that hangs up, or a log without a reader, does not end the
// daemon.
func TestLosses(t *testing.T) {
	const inChild = "TANDEMD_TEST_LOSSES"
	if os.Getenv(inChild) != "" {
		ignoreLosses()
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
		if _, err := fmt.Println("nobody reads this"); err == nil {
			os.Exit(3) // the pipe should have been broken
		}
		os.Exit(7)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLosses$")
	cmd.Env = append(os.Environ(), inChild+"=1")
	cmd.Stdout = write
	if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("the child: %v, want exit status 7", err)
	}
}
