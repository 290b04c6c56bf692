package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Step is one fault: it begins, lasts for a time and is repaired.
type Step struct {
	Fault string
	// Node is the device concerned, 0 for A.
	Node int
	// For is how long the fault lasts. After is how long the pair then runs without a
	// fault.
	For, After time.Duration
	// Overlaps says that the next step begins before this one is repaired.
	Overlaps bool
	// Rushed says that the next step begins before the pair has recovered.
	Rushed bool
	// Chance is the seed for the details of the fault, so that a step is the same
	// whatever happens before it.
	Chance uint64
}

func (s Step) String() string {
	text := fmt.Sprintf("%s on %c for %v, then %v", s.Fault, 'A'+rune(s.Node), s.For.Round(time.Millisecond), s.After.Round(time.Millisecond))
	if s.Overlaps {
		text += ", not mended before the next"
	}
	if s.Rushed {
		text += ", no rest before the next"
	}
	return text
}

// Plan is a schedule of faults.
type Plan []Step

// String lists the steps by their numbers, which Options.Keep takes.
func (p Plan) String() string {
	var b strings.Builder
	for i, s := range p {
		fmt.Fprintf(&b, "\t%2d  %v\n", i, s)
	}
	return b.String()
}

// Bounds on the number of steps in a plan.
const (
	fewestSteps = 3
	mostSteps   = 9
)

// newPlan draws the schedule of a seed.
func newPlan(seed uint64, faults []fault) Plan {
	rng := rand.New(rand.NewPCG(seed, 2))
	between := func(low, high time.Duration) time.Duration { return low + time.Duration(rng.Int64N(int64(high-low)+1)) }
	plan := make(Plan, fewestSteps+rng.IntN(mostSteps-fewestSteps+1))
	for i := range plan {
		f := faults[rng.IntN(len(faults))]
		plan[i] = Step{
			Fault: f.name, Node: rng.IntN(2), Chance: rng.Uint64(),
			For: between(f.shortest, f.longest), After: between(0, 3*time.Second),
		}
		// Longer than the life of records that are not retained, and than the retention.
		if f.mayLast && rng.IntN(20) == 0 {
			plan[i].For = between(200*time.Second, 500*time.Second)
			if plan[i].Chance%2 == 0 {
				plan[i].For += retention
			}
		}
		if i+1 < len(plan) {
			plan[i].Overlaps = rng.IntN(8) == 0
			plan[i].Rushed = rng.IntN(8) == 0
		}
	}
	return plan
}

// kept returns the plan with only the listed steps; without a list, the whole plan.
func (p Plan) kept(list []int) Plan {
	if list == nil {
		return p
	}
	var kept Plan
	for i, s := range p {
		if slices.Contains(list, i) {
			kept = append(kept, s)
		}
	}
	return kept
}
