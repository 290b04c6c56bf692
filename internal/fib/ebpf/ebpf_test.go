package ebpf

import (
	"encoding/binary"
	"errors"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/fib/fibtest"
	"tandem/internal/linux/testnet"
)

// newKind returns the kind of this plane, and a function that returns the plane opened
// last.
func newKind(t testing.TB) (kind fibtest.Kind, last func() *Plane) {
	var p *Plane
	kind = fibtest.Kind{
		Open: func(n *testnet.Node, r fib.Router, initial device.Gate, left fib.Checkpoint) (fib.Plane, error) {
			opened, err := open(r, n.Do, initial, left)
			if errors.Is(err, ErrUnsupported) {
				t.Skipf("needs BPF: %v", err)
			}
			if err != nil {
				return nil, err
			}
			p = opened
			return opened, nil
		},
		DropRoute: func(t testing.TB, _ *testnet.Node, s device.SourceGroup) {
			t.Helper()
			testnet.Must(t, meddled(t, p).routes.Delete(keyOf(s)))
		},
		DropGate: func(t testing.TB, _ *testnet.Node) bool {
			t.Helper()
			outputs := meddled(t, p).outputs
			for i := range uint32(8) {
				var o []byte
				testnet.Must(t, outputs.Lookup(i, &o))
				binary.NativeEndian.PutUint32(o[unsafe.Offsetof(output{}.gate):], ^uint32(0))
				testnet.Must(t, outputs.Put(i, o))
			}
			return true
		},
	}
	return kind, func() *Plane { return p }
}

// meddled opens the maps of a plane as another program does.
func meddled(t testing.TB, p *Plane) *maps {
	t.Helper()
	var m maps
	p.mu.Lock()
	defer p.mu.Unlock()
	m.routes, m.outputs.Map = again(t, p.maps.routes), again(t, p.maps.outputs.Map)
	return &m
}

func TestPlane(t *testing.T) {
	kind, _ := newKind(t)
	fibtest.Run(t, kind)
}

// again opens a map by the kernel's number, as any program with the capability can do.
func again(t testing.TB, m *ebpf.Map) *ebpf.Map {
	t.Helper()
	info, err := m.Info()
	testnet.Must(t, err)
	id, _ := info.ID()
	other, err := ebpf.NewMapFromID(id)
	testnet.Must(t, err)
	t.Cleanup(func() { other.Close() })
	return other
}
