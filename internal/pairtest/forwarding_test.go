package pairtest

import (
	"net/netip"
	"testing"
)

var (
	ssmGroup = netip.MustParseAddr("ff3e::8000:1")
	asmGroup = netip.MustParseAddr("ff1e::1")
	// lateGroup is joined in the middle of a test.
	lateGroup = netip.MustParseAddr("ff1e::2")
	noSource  netip.Addr
)

// TestPairForwards: the common case that all others start from.
func TestPairForwards(t *testing.T) {
	p, _, _, _ := receivingPair(t)
	p.forms(2)
}
