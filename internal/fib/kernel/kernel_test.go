package kernel

import (
	"testing"

	"github.com/google/nftables"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/fib/fibtest"
	"tandem/internal/linux/gate"
	"tandem/internal/linux/testnet"
)

var kind = fibtest.Kind{Open: openIn, DropRoute: dropRoute, DropGate: dropGate}

// openIn opens a plane in the namespace of a node.
func openIn(n *testnet.Node, r fib.Router, initial device.Gate, left fib.Checkpoint) (plane fib.Plane, err error) {
	g, err := gate.OpenIn(n.Do)
	if err != nil {
		return nil, err
	}
	err = n.Do(func() error {
		p, err := open(r, g, initial, left)
		if err == nil {
			plane = p
		}
		return err
	})
	return plane, err
}

func dropRoute(t testing.TB, n *testnet.Node, stream device.SourceGroup) {
	t.Helper()
	n.Meddler(t).Delete(stream.Source, stream.Group)
}

func dropGate(t testing.TB, n *testnet.Node) {
	t.Helper()
	conn, err := nftables.New(nftables.WithNetNSFd(n.FD()))
	testnet.Must(t, err)
	conn.DelTable(&nftables.Table{Family: nftables.TableFamilyIPv6, Name: gate.TableName})
	testnet.Must(t, conn.Flush())
}

func TestPlane(t *testing.T) { fibtest.Run(t, kind) }

// newPlane opens a plane on a network of its own.
func newPlane(t testing.TB, initial device.Gate) (*fibtest.Bed, *Plane) {
	t.Helper()
	var p *Plane
	b := fibtest.NewBed(t, fibtest.Kind{Open: func(n *testnet.Node, r fib.Router, g device.Gate, left fib.Checkpoint) (fib.Plane, error) {
		plane, err := openIn(n, r, g, left)
		p, _ = plane.(*Plane)
		return plane, err
	}})
	b.Open(initial)
	return b, p
}

func TestUserNamespace(t *testing.T) { testnet.InUserNamespace(t) }
