package main

import (
	"fmt"
	"os"

	"tandem/internal/config"
	"tandem/internal/console"
	"tandem/internal/daemon"
)

// handOverLine is the first line of the output of -check.
const handOverLine = "hand-over %d\n"

// checkMain prints which state this program can take over, and returns an error status if
// it does not understand the present configuration.
func checkMain(state string) int {
	fmt.Printf(handOverLine, daemon.HandOverVersion)
	fmt.Println("program", console.ThisBuild())
	if _, err := os.Stat(state); os.IsNotExist(err) {
		fmt.Println("configuration none")
		return 0
	}
	store, err := config.Open(state)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandemd:", err)
		return 1
	}
	for _, damage := range store.Damage() {
		fmt.Fprintln(os.Stderr, "tandemd:", damage)
	}
	if len(store.Damage()) > 0 {
		return 1
	}
	fmt.Printf("configuration of %d commits understood\n", len(store.Points()))
	return 0
}
