// Package fibtest tests forwarding planes: whether they do what package fib requires, with
// real packets between namespaces. Every kind of plane must pass these tests.
package fibtest

import (
	"slices"
	"testing"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/linux/testnet"
)

// Kind is the kind of plane under test.
type Kind struct {
	// Open opens a plane in the namespace of a node, see [fib.Open].
	Open func(*testnet.Node, fib.Router, device.Gate, fib.Checkpoint) (fib.Plane, error)
	// DropRoute removes the route of a stream from a node's plane, as another program might
	// do.
	DropRoute func(testing.TB, *testnet.Node, device.SourceGroup)
	// DropGate tries to remove the gate from a node's plane, as another program might do.
	// It reports whether it has succeeded.
	DropGate func(testing.TB, *testnet.Node) bool
}

// Run tests a kind of plane with all tests, or only with the named ones. It skips when not
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
