// Command tandem-lab runs the whole system on one machine, to try, test and measure it.
// It is for those who work on Tandem; packages have tandem and tandemd only.
//
//	tandem-lab up | down           the pair with a switch, hosts and a source, to play with
//	tandem-lab demo                build it, break it, count what the hosts missed
//	tandem-lab vm demo             the same with LACP, on Debian's kernel in an emulated machine
//	tandem-lab bench [FIGURE ...]  the figures of docs/performance.md
//
// Exit codes: 0 done, 1 something failed, or the pair did not survive a fault as
// required, 2 wrong usage, 3 nothing failed, but the machine had too little time for all
// of the demonstration.
package main

import (
	"fmt"
	"os"

	"tandem/internal/bench"
	"tandem/internal/lab"
)

const usage = `usage: tandem-lab COMMAND [ flags ]

Have the whole system on this machine: two devices, the switch and the hosts below
them and the source above, each in a network namespace. tandem-lab runs the tandemd
and tandem that lie beside it, or else those on the search path.

  up        build the network and keep it up until Ctrl-C, with -detach in the background
  down      remove it, also after a crash
  demo      build it, break it, count what the hosts missed, remove it; -all for every fault
  vm demo   the demo with LACP, on Debian's kernel in an emulated machine: slow, but that
            kernel has bonding
  bench     measure the figures of docs/performance.md
  help      print this

"tandem-lab COMMAND -h" tells the flags of a command.
`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		fmt.Print(usage)
		return 0
	case "bench":
		return bench.Main(args[1:])
	}
	return lab.Main(args[0], args[1:])
}
