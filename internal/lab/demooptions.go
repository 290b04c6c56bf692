package lab

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// demoFlags adds the flags of every demonstration.
func demoFlags(fs *flag.FlagSet) (file, only *string, rounds *int) {
	return fs.String("json", "", "write the results to a `file`"),
		fs.String("faults", "", "play only the faults with these `numbers`, such as 1,7"),
		fs.Int("rounds", 1, "play them `n` times")
}

// demoOptions selects what a demonstration plays.
type demoOptions struct {
	chosen map[int]bool // by fault number; nil for all
	rounds int
}

// choose returns the selected trials. The trial of a device's return always follows that
// of its death.
func (o demoOptions) choose(unit []trial) []trial {
	for _, t := range unit {
		if o.chosen == nil || o.chosen[t.fault] {
			return unit
		}
	}
	return nil
}

// faultNumbers lists the faults that the demonstration plays, by their numbers in the
// list of faults that the pair must survive.
var faultNumbers = []int{1, 2, 3, 4, 5, 6, 7, 8, 19}

// parseFaults reads a list of fault numbers; an empty list selects all.
func parseFaults(list string) (map[int]bool, error) {
	if list == "" {
		return nil, nil
	}
	chosen := make(map[int]bool)
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || !slices.Contains(faultNumbers, n) {
			return nil, fmt.Errorf("no fault has the number %q", word)
		}
		chosen[n] = true
	}
	return chosen, nil
}
