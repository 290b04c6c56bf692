package console

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCompletion requests help at the end of lines in the user view.
func TestCompletion(t *testing.T) {
	for _, c := range []struct {
		line, expanded string
		words          []string
	}{
		{"sy", "system-view ", []string{"system-view"}},
		{"display version ", "display version ", []string{"<cr>", "|"}},
		{"display version | i", "display version | include ", []string{"include"}},
		{"display version | ", "display version | ", []string{"begin", "count", "exclude", "include", "json", "section"}},
		{"switchover e-trunk ", "switchover e-trunk ", []string{"INTEGER<1-64>"}},
		{"display multicast ipv6 r", "display multicast ipv6 r", []string{"routing-table", "rui"}},
		{"save ", "save ", []string{"<cr>"}},
	} {
		got := newStage(t).now.Complete(c.line)
		if got.Error != "" || got.Expanded != c.expanded {
			t.Errorf("%q: expands to %q, error %q", c.line, got.Expanded, got.Error)
		}
		var words []string
		for _, x := range got.Candidates {
			words = append(words, x.Word)
		}
		if diff := cmp.Diff(c.words, words); diff != "" {
			t.Errorf("%q: candidates differ (-want +got):\n%s", c.line, diff)
		}
	}
}
