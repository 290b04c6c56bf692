package pim

import (
	"net/netip"
	"testing"
	"time"

	"tandem/internal/golden"
)

// FuzzReceive passes any message of a neighbor to a router. Whatever the message
// contains, timers go on, wanted trees stay joined, and no state is left in the end.
func FuzzReceive(f *testing.F) {
	for _, tc := range messages {
		f.Add(golden.Hex(f, tc.hex))
	}
	f.Add(Append(nil, bootstrapOf(bsr1, 10, s1, s2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := newRig(t, testConfig())
		x.meet("a", n1)
		x.meet("a", n2)
		x.want(asm1, Wants{Any: true, Sources: []netip.Addr{s2}})
		x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
		x.route(rp1, via("a", n1))
		x.route(s1, via("a", n1))
		x.run(10 * time.Second)
		SetChecksum(n2, AllRouters, b)
		_ = x.r.Receive(x.now, "a", n2, AllRouters, b, &x.fx)
		x.effects()
		x.route(bsr1, via("a", n2))
		x.run(5 * time.Minute)
		if x.r.Joined() != 2 {
			t.Errorf("%d trees are joined, want 2", x.r.Joined())
		}
		x.want(asm1, Wants{})
		x.want(ssm1, Wants{})
		x.run(20 * time.Hour) // more than the longest hold time of an RP
		if x.r.trees.Len() != 0 || x.r.groups.Len() != 0 || len(x.roots) > 1 {
			t.Errorf("left over: %d trees, %d groups, roots %v", x.r.trees.Len(), x.r.groups.Len(), x.roots)
		}
	})
}
