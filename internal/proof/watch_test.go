package proof

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/instant"
)

// TestWatchAgreesWithFlows compares a Watch with a map of flows under random changes. The
// same streams flow in both, each change is reported once, and no unwatched stream is read.
func TestWatchAgreesWithFlows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w Watch
		counts := make(map[uint32]Reading) // the counters of the watched streams
		told := make(map[uint32]bool)      // the streams that flow, as reported
		now := instant.FromOrigin(time.Hour)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			slot := rapid.Uint32Range(0, 20).Draw(t, "slot")
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				w.Add(slot)
				counts[slot] = Reading{}
				delete(told, slot)
			case 1:
				w.Remove(slot)
				delete(counts, slot)
				delete(told, slot)
			default:
				for s, r := range counts {
					if rapid.Bool().Draw(t, "packet") {
						counts[s] = Reading{r.Packets + 1, now}
					}
				}
			}
			now = now.Add(time.Duration(rapid.Int64Range(1, int64(2*time.Second)).Draw(t, "pause")))
			w.Look(now, func(slot uint32) Reading {
				r, watched := counts[slot]
				if !watched {
					t.Fatalf("slot %d is read, which is not watched", slot)
				}
				return r
			}, func(slot uint32, flowing bool) {
				if told[slot] == flowing {
					t.Fatalf("slot %d is told a second time: flowing %v", slot, flowing)
				}
				told[slot] = flowing
			})
			maps.DeleteFunc(told, func(_ uint32, flowing bool) bool { return !flowing })
			if w.Flowing() != len(told) || w.Len() != len(counts) {
				t.Fatalf("%d of %d flow, want %d of %d", w.Flowing(), w.Len(), len(told), len(counts))
			}
			for slot := range uint32(25) {
				f := w.Of(slot)
				if _, watched := counts[slot]; watched != (f != nil) || f != nil && f.Flowing() != told[slot] {
					t.Fatalf("slot %d: %+v, watched %v, flowing %v", slot, f, watched, told[slot])
				}
			}
		}
	})
}

// TestBeginningIsNoticedSoon: among many streams that do not flow, a stream that begins is
// noticed within quietShare looks.
func TestBeginningIsNoticedSoon(t *testing.T) {
	var w Watch
	for slot := range uint32(1000) {
		w.Add(slot)
	}
	now := instant.FromOrigin(time.Hour)
	for slot := range uint32(1000) {
		reads, noticed := 0, false
		for range quietShare {
			now = now.Add(tick)
			w.Look(now, func(s uint32) Reading {
				reads++
				if s == slot {
					return Reading{1, now}
				}
				return Reading{}
			}, func(s uint32, flowing bool) { noticed = noticed || s == slot && flowing })
		}
		if !noticed || reads > 1000+2*quietShare {
			t.Fatalf("slot %d noticed %v within %d looks, with %d readings", slot, noticed, quietShare, reads)
		}
		w.Add(slot)
	}
}

func BenchmarkLook(b *testing.B) {
	var w Watch
	for slot := range uint32(100_000) {
		w.Add(slot)
	}
	now, packets := instant.FromOrigin(time.Hour), uint64(0)
	read := func(slot uint32) Reading {
		if slot%20 != 0 {
			return Reading{}
		}
		return Reading{packets, now}
	}
	for b.Loop() {
		now, packets = now.Add(tick), packets+10
		w.Look(now, read, func(uint32, bool) {})
	}
}

// TestLongPauseIsNotUsual: a source stops for long and goes on. When it becomes silent
// again, that is noticed soon.
func TestLongPauseIsNotUsual(t *testing.T) {
	var w Watch
	w.Add(0)
	now, r := instant.FromOrigin(time.Hour), Reading{}
	flowing := false
	play := func(d time.Duration, packets bool) {
		for end := now.Add(d); now < end; {
			if now = now.Add(tick); packets {
				r = Reading{r.Packets + 10, now}
			}
			w.Look(now, func(uint32) Reading { return r }, func(_ uint32, f bool) { flowing = f })
		}
	}
	play(time.Second, true)
	play(time.Minute, false)
	play(time.Second, true)
	play(3*fallenFor, false)
	if flowing {
		t.Errorf("after a pause of a minute the stream is given %v", w.Of(0).Patience())
	}
}
