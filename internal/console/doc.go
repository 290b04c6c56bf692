// Package console is the operator's interface to a device: sessions with views and
// prompts in the manner of VRPv8, two-phase commit, the displays, and the actions of the
// user view.
//
// The grammar is not here. Configuration commands are declared by package config and
// everything else by the tables of this package (actions.go, displays.go); package
// command parses, abbreviates and completes both.
//
// A display is a pure function from snapshots to a [Display]: the text for people and,
// from the same fields, the JSON that `| json` prints. So the two never contradict each
// other.
package console
