package lab

import (
	"testing"
	"time"
)

// received builds a tally of packets sent a millisecond apart; the value is
// the number of copies of each.
func received(copies ...int) *tally {
	var t tally
	for seq, n := range copies {
		for range n {
			t.arrived(uint64(seq), int64(1+seq)*int64(packetInterval))
		}
	}
	return &t
}

func TestLoss(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for _, c := range []struct {
		name string
		got  *tally
		w    window
		want loss
	}{
		{"all there", received(1, 1, 1, 1), window{0, 4}, loss{}},
		{"one missing", received(1, 1, 0, 1, 1), window{0, 5}, loss{lost: 1, gap: ms(2)}},
		{"the longest of two holes", received(1, 0, 1, 0, 0, 1), window{0, 6}, loss{lost: 3, gap: ms(3)}},
		{"duplicates and triplicates", received(1, 2, 3), window{0, 3}, loss{duplicated: 3}},
		{"a hole at the start reaches back", received(1, 0, 0, 1), window{2, 4}, loss{lost: 1, gap: ms(3)}},
		{"a hole at the end reaches on", received(1, 1, 0, 0, 1), window{0, 3}, loss{lost: 1, gap: ms(3)}},
		{"it never came back", received(1, 1), window{0, 5}, loss{lost: 3, gap: ms(4)}},
		{"it never came at all", &tally{}, window{0, 5}, loss{lost: 5, gap: ms(6)}},
		{"outside the window", received(0, 1, 1, 2), window{1, 3}, loss{}},
	} {
		if got := c.got.loss(c.w); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestTallyRefusesForeignNumbers(t *testing.T) {
	tl := received(1, 1)
	tl.arrived(1<<40, 1)
	if len(tl.first) != 2 {
		t.Errorf("tally grew to %d", len(tl.first))
	}
}
