package mld

import (
	"math/rand/v2"
	"testing"
)

// choices is a random source that a fuzzer controls: each byte makes one choice. After the
// last byte the choices are always the same.
type choices struct {
	left []byte
	then *rand.PCG
}

func (c *choices) Uint64() uint64 {
	if len(c.left) == 0 {
		return c.then.Uint64()
	}
	b := c.left[0]
	c.left = c.left[1:]
	return uint64(b)<<56 | c.then.Uint64()>>8
}

// FuzzModel compares the router with the reference model after every event. The fuzzer's
// bytes choose the events.
func FuzzModel(f *testing.F) {
	for seed := range uint64(4) {
		bytes := make([]byte, 400)
		for i, rng := 0, rand.New(rand.NewPCG(seed, 1)); i < len(bytes); i++ {
			bytes[i] = byte(rng.Uint32())
		}
		f.Add(byte(seed), bytes)
	}
	f.Fuzz(func(t *testing.T, seed byte, events []byte) {
		if len(events) > 2000 {
			return
		}
		x := newTrial(t, uint64(seed)) // the seed chooses the configuration
		steps := &choices{left: events, then: rand.NewPCG(0, 0)}
		x.rng = rand.New(steps)
		for len(steps.left) > 0 {
			x.pass()
			x.event()
			if err := x.differs(); err != "" {
				t.Fatalf("at %v, %s: %s", x.now, x.last, err)
			}
		}
		if err := x.recordsDiffer(); err != "" {
			t.Fatal(err)
		}
		if err := x.r.verify(x.now); err != nil {
			t.Fatal(err)
		}
	})
}
