package lab

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// demoFlags are the flags of every demonstration.
type demoFlags struct {
	file, only string
	rounds     int
	all        bool
}

const demoSynopsis = "[ -all | -faults NUMBERS ] [ -rounds N ] [ -json FILE ]"

func (f *demoFlags) add(fs *flag.FlagSet) {
	fs.StringVar(&f.file, "json", "", "write the results to a `file`")
	fs.StringVar(&f.only, "faults", "", "play only the faults with these `numbers`, such as 1,7")
	fs.IntVar(&f.rounds, "rounds", 1, "play them `n` times")
	fs.BoolVar(&f.all, "all", false, "play every fault, which takes some minutes")
}

// args returns the arguments that give these flags to another process.
func (f *demoFlags) args() []string {
	return []string{"-faults", f.only, "-rounds", strconv.Itoa(f.rounds), fmt.Sprintf("-all=%t", f.all)}
}

// Numbers of the faults that must be survived, see docs/reliability.md.
var (
	quickFaults = []int{1, 2, 3, 4, 5, 6, 7, 8, 15, 17, 19}
	otherFaults = []int{13, 14, 16, 18, 21, 22, 23, 24}
	lacpFaults  = []int{20}
)

// choose returns the numbers of the faults to play.
func (f *demoFlags) choose(lacp bool) ([]int, error) {
	every := slices.Concat(quickFaults, otherFaults)
	if lacp {
		every = append(every, lacpFaults...)
	}
	switch {
	case f.only != "":
		return parseFaults(f.only, every)
	case f.all:
		return every, nil
	case lacp:
		return slices.Concat(quickFaults, lacpFaults), nil
	}
	return quickFaults, nil
}

// parseFaults reads a list of fault numbers.
func parseFaults(list string, every []int) (chosen []int, err error) {
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		switch {
		case err == nil && slices.Contains(every, n):
			chosen = append(chosen, n)
		case err == nil && slices.Contains(lacpFaults, n):
			return nil, fmt.Errorf("fault %d needs bonds that speak LACP: play it in \"tandem-lab vm demo\"", n)
		default:
			return nil, fmt.Errorf("no fault has the number %q", word)
		}
	}
	return chosen, nil
}

// demoOptions selects what a demonstration plays.
type demoOptions struct {
	faults []int
	rounds int
}

// plays reports whether the trials of this unit are selected. A trial in which a device
// returns always follows the trial in which it dies.
func (o demoOptions) plays(unit []trial) bool {
	return slices.ContainsFunc(unit, func(t trial) bool { return slices.Contains(o.faults, t.fault) })
}

func (o demoOptions) noMoreAttempts() time.Duration {
	if len(o.faults) > len(quickFaults)+len(lacpFaults) {
		return noMoreAttemptsAll
	}
	return noMoreAttempts
}
