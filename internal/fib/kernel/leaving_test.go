package kernel

import (
	"testing"
	"time"

	"github.com/google/nftables"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/fib/fibtest"
	"tandem/internal/linux/testnet"
)

// firewall adds a chain of another program with a policy of drop to the router. The
// function that it returns removes it.
func firewall(b *fibtest.Bed, family nftables.TableFamily, hook *nftables.ChainHook) (remove func()) {
	b.Helper()
	conn, err := nftables.New(nftables.WithNetNSFd(b.Router.FD()))
	testnet.Must(b, err)
	drop := nftables.ChainPolicyDrop
	table := conn.AddTable(&nftables.Table{Family: family, Name: "filter"})
	conn.AddChain(&nftables.Chain{
		Table: table, Name: "FORWARD", Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityFilter, Policy: &drop,
	})
	testnet.Must(b, conn.Flush())
	return func() {
		b.Helper()
		conn.DelTable(table)
		testnet.Must(b, conn.Flush())
	}
}

// TestForeignFirewall: a firewall drops forwarded packets. The plane reports this in time,
// with the name of the chain and for the interfaces that send. When the firewall is gone,
// it reports that too. If the firewall is before the gate, this works also while the gate
// is closed.
func TestForeignFirewall(t *testing.T) {
	b, _ := newPlane(t, device.Gate{})
	b.SetRoutes(fibtest.Route(0, "d0"))
	stop := b.Flow(0)
	defer stop()
	awaits := func(what string, limit time.Duration, want fib.Leaving) {
		t.Helper()
		began := time.Now()
		b.Eventually(what, func() bool { return b.Leaving("d0") == want })
		if took := time.Since(began); took > limit {
			t.Errorf("%s: told after %v", what, took)
		}
	}
	const (
		lostLimit  = 700 * time.Millisecond
		foundLimit = 1500 * time.Millisecond
	)
	time.Sleep(lostLimit)
	if got := b.Leaving("d0"); got != (fib.Leaving{}) {
		t.Errorf("told %+v though all is well", got)
	}
	for _, tt := range []struct {
		name   string
		family nftables.TableFamily
		hook   *nftables.ChainHook
		closed []string // interfaces that the gate closes
		cause  string
	}{
		{"forward", nftables.TableFamilyIPv6, nftables.ChainHookForward, nil, "table ip6 filter, chain FORWARD: policy drop"},
		{"closed gate", nftables.TableFamilyINet, nftables.ChainHookForward, []string{"d0"}, "table inet filter, chain FORWARD: policy drop"},
		{"postrouting", nftables.TableFamilyINet, nftables.ChainHookPostrouting, nil, "table inet filter, chain FORWARD: policy drop"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.SetGate(device.Gate{Closed: tt.closed})
			remove := firewall(b, tt.family, tt.hook)
			awaits("lost", lostLimit, fib.Leaving{Netdev: "d0", Lacking: true, Cause: tt.cause})
			remove()
			awaits("found", foundLimit, fib.Leaving{Netdev: "d0"})
		})
	}
	if got := b.Leaving("d1"); got != (fib.Leaving{}) {
		t.Errorf("told %+v of an interface that sends nothing", got)
	}
}
