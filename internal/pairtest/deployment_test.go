package pairtest

import (
	"os"
	"strings"
	"testing"

	"tandem/internal/linux/testnet"
)

// TestDeploymentPage: the commands of docs/deployment.md for A, and for B with the
// changes that the page describes, give a working pair.
func TestDeploymentPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/deployment.md")
	testnet.Must(t, err)
	_, rest, found := strings.Cut(string(page), "    system-view\n")
	block, _, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatal("the page has no configuration")
	}
	a := "system-view\n" + block
	b := strings.NewReplacer(
		"2001:db8:c::a", "2001:db8:c::b", "2001:db8:c::b", "2001:db8:c::a", "2001:db8:5::a", "2001:db8:5::b", "2001:db8:10::a", "2001:db8:10::b",
		"RouterA", "RouterB", "priority 10", "priority 20",
		"discriminator local 1", "discriminator local 2", "discriminator remote 2", "discriminator remote 1",
	).Replace(a)
	p := newPair(t)
	p.a.start(strings.Split(a, "\n")...)
	p.b.start(strings.Split(b, "\n")...)
	p.forms(0)
	s := p.stream(asmGroup)
	p.join(asmGroup, noSource).awaits(s)
	p.forms(1)
}
