package ping_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"tandem/internal/echo"
	"tandem/internal/linux/ping"
	"tandem/internal/linux/testnet"
)

// run pings from a node and returns the result of each request.
func run(t *testing.T, from *testnet.Node, r echo.Request) (replies []echo.Reply) {
	t.Helper()
	from.In(t, func() error {
		return ping.Run(t.Context(), r, func(reply echo.Reply) { replies = append(replies, reply) })
	})
	return replies
}

func TestPing(t *testing.T) {
	a, b := testnet.NewNode(t), testnet.NewNode(t)
	testnet.Cable(t, a, "left", b, "right")
	near, far := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	testnet.Must(t, a.Links.AddAddress("left", netip.PrefixFrom(near, 64)))
	testnet.Must(t, b.Links.AddAddress("right", netip.PrefixFrom(far, 64)))
	testnet.AwaitLinkLocal(t, a, "left")
	linkLocal := testnet.AwaitLinkLocal(t, b, "right").LinkLocal

	for name, r := range map[string]echo.Request{
		"global":      {Destination: far},
		"with source": {Destination: far, Source: near},
		"link-local":  {Destination: linkLocal, Interface: "left"},
	} {
		r.Count, r.Size, r.Interval, r.Timeout = 2, 1000, time.Millisecond, 5*time.Second
		replies := run(t, a, r)
		if len(replies) != 2 {
			t.Fatalf("%s: %d replies", name, len(replies))
		}
		for i, reply := range replies {
			if reply.Err != nil || reply.Sequence != i+1 || reply.From.WithZone("") != r.Destination || reply.HopLimit != 64 || reply.Size != 1000 || reply.RTT <= 0 {
				t.Errorf("%s: %+v", name, reply)
			}
		}
	}

	lost := run(t, a, echo.Request{Destination: netip.MustParseAddr("2001:db8::99"), Count: 1, Size: 56, Timeout: time.Millisecond})
	if len(lost) != 1 || !errors.Is(lost[0].Err, os.ErrDeadlineExceeded) {
		t.Errorf("to nobody: %+v", lost)
	}
	unreachable := run(t, a, echo.Request{Destination: netip.MustParseAddr("2001:db8:1::1"), Count: 1, Size: 56, Timeout: time.Second})
	if len(unreachable) != 1 || unreachable[0].Err == nil || errors.Is(unreachable[0].Err, os.ErrDeadlineExceeded) {
		t.Errorf("without a route: %+v", unreachable)
	}
}

func TestPingErrors(t *testing.T) {
	a := testnet.NewNode(t)
	a.In(t, func() error {
		none := func(echo.Reply) { t.Error("a reply") }
		if err := ping.Run(t.Context(), echo.Request{Destination: netip.IPv6Loopback(), Interface: "none", Count: 1}, none); err == nil {
			t.Error("no error from an interface that does not exist")
		}
		if err := ping.Run(t.Context(), echo.Request{Destination: netip.IPv6Loopback(), Source: netip.MustParseAddr("2001:db8::9"), Count: 1}, none); err == nil {
			t.Error("no error from an address that is not here")
		}
		ctx, stop := context.WithCancel(t.Context())
		r := echo.Request{Destination: netip.MustParseAddr("2001:db8::9"), Count: 9, Interval: time.Hour}
		if err := ping.Run(ctx, r, func(echo.Reply) { stop() }); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: %v", err)
		}
		return nil
	})
}

func TestUserNamespace(t *testing.T) { testnet.InUserNamespace(t) }
