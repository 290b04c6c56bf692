package links_test

import (
	"fmt"
	"testing"

	"tandem/internal/linux/links"
)

// BenchmarkList lists 21 interfaces with their addresses.
func BenchmarkList(b *testing.B) {
	_, h := newNamespace(b)
	for i := range 10 {
		must(b, h.AddVeth(links.VethEnd{Name: fmt.Sprintf("a%d", i)}, links.VethEnd{Name: fmt.Sprintf("b%d", i)}))
	}
	b.ReportAllocs()
	for b.Loop() {
		if list, err := h.List(); err != nil || len(list) != 21 {
			b.Fatal(len(list), err)
		}
	}
}

// BenchmarkSetUp measures one acknowledged change, with the look-up of the interface's
// index.
func BenchmarkSetUp(b *testing.B) {
	_, h := newNamespace(b)
	b.ReportAllocs()
	for b.Loop() {
		must(b, h.SetUp("lo", true))
	}
}
