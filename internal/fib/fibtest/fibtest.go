// Package fibtest judges forwarding planes: what package fib promises, with real packets
// between namespaces. Every kind of plane has to pass it.
package fibtest

import (
	"slices"
	"testing"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/linux/testnet"
)

// Kind is the kind of plane that is judged.
type Kind struct {
	// Open opens a plane in the namespace of a node, see [fib.Open].
	Open func(*testnet.Node, fib.Router, device.Gate, fib.Checkpoint) (fib.Plane, error)
	// DropRoute takes the route of a stream out of a node's plane, as a program would that
	// meddles with what is not its own.
	DropRoute func(testing.TB, *testnet.Node, device.SourceGroup)
	// DropGate tries to take the gate out of a node's plane, likewise. It reports whether it
	// could.
	DropGate func(testing.TB, *testnet.Node) bool
}

// Run judges a kind of plane, by all tests or only those that are named. It skips when not
// root.
func Run(t *testing.T, kind Kind, only ...string) {
	for _, test := range []struct {
		name string
		run  func(*Bed)
	}{
		{"Routes", testRoutes},
		{"IncomingInterface", testIncomingInterface},
		{"UnknownStream", testUnknownStream},
		{"UnansweredStream", testUnansweredStream},
		{"WrongSide", testWrongSide},
		{"FloodFromBelow", testFloodFromBelow},
		{"Interfaces", testInterfaces},
		{"InterfaceReturns", testInterfaceReturns},
		{"Gate", testGate},
		{"GateFromTheStart", testGateFromTheStart},
		{"Exceptions", testExceptions},
		{"RouteDropped", testRouteDropped},
		{"GateDropped", testGateDropped},
		{"GateDroppedOften", testGateDroppedOften},
		{"StreamsSeen", testStreamsSeen},
		{"HandOver", testHandOver},
		{"UselessCheckpoint", testUselessCheckpoint},
		{"OnePlaneAtATime", testOnePlaneAtATime},
		{"End", testEnd},
	} {
		if len(only) == 0 || slices.Contains(only, test.name) {
			t.Run(test.name, func(t *testing.T) { test.run(NewBed(t, kind)) })
		}
	}
}
