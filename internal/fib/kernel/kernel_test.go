package kernel

import (
	"errors"
	"testing"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/fib/fibtest"
	"tandem/internal/linux/gate"
	"tandem/internal/linux/testnet"
)

var kind = kindWith(gate.Persistent)

// kindWith returns the kernel's plane with a certain protection of the gate.
func kindWith(protection gate.Protection) fibtest.Kind {
	return fibtest.Kind{
		Open: func(n *testnet.Node, r fib.Router, initial device.Gate, left fib.Checkpoint) (plane fib.Plane, err error) {
			err = n.Do(func() error {
				p, err := open(r, gate.Options{Inside: n.Do, Protection: protection}, initial, left)
				if err == nil {
					plane = p
				}
				return err
			})
			return plane, err
		},
		DropRoute: dropRoute, DropGate: dropGate,
	}
}

func dropRoute(t testing.TB, n *testnet.Node, stream device.SourceGroup) {
	t.Helper()
	n.Meddler(t).Delete(stream.Source, stream.Group)
}

// dropGate tries to delete the gate's table. If that is refused, it flushes the whole
// ruleset.
func dropGate(t testing.TB, n *testnet.Node) bool {
	t.Helper()
	conn, err := nftables.New(nftables.WithNetNSFd(n.FD()))
	testnet.Must(t, err)
	conn.DelTable(&nftables.Table{Family: nftables.TableFamilyIPv6, Name: gate.TableName})
	switch err := conn.Flush(); {
	case err == nil, errors.Is(err, unix.ENOENT):
		return true
	case !errors.Is(err, unix.EPERM):
		t.Fatal(err)
	}
	conn.FlushRuleset()
	testnet.Must(t, conn.Flush())
	return false
}

func TestPlane(t *testing.T) { fibtest.Run(t, kind) }

// TestUnprotectedGate: on a kernel that cannot protect the gate, the plane repairs it.
func TestUnprotectedGate(t *testing.T) {
	fibtest.Run(t, kindWith(gate.Unprotected), "GateDropped", "GateDroppedOften", "HandOver")
}

// newPlane opens a plane on a network of its own.
func newPlane(t testing.TB, initial device.Gate) (*fibtest.Bed, *Plane) {
	t.Helper()
	return newPlaneOf(t, kind, initial)
}

// newPlaneOf opens a plane of a kind.
func newPlaneOf(t testing.TB, kind fibtest.Kind, initial device.Gate) (*fibtest.Bed, *Plane) {
	t.Helper()
	var p *Plane
	b := fibtest.NewBed(t, fibtest.Kind{Open: func(n *testnet.Node, r fib.Router, g device.Gate, left fib.Checkpoint) (fib.Plane, error) {
		plane, err := kind.Open(n, r, g, left)
		p, _ = plane.(*Plane)
		return plane, err
	}})
	b.Open(initial)
	return b, p
}

func TestUserNamespace(t *testing.T) { testnet.InUserNamespace(t) }
