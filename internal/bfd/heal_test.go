package bfd

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestIntervalsAreAgreedAfterAnyLoss loses packets of either direction at random. Soon
// after the losses have ended, the session must be Up at full speed.
func TestIntervalsAreAgreedAfterAnyLoss(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 3))
		w := newWorld(t, []Config{configA()}, []Config{configB()})
		w.run(time.Duration(rng.Int64N(int64(3 * time.Second))))
		for range 20 {
			w.lose[rng.IntN(2)] = rng.IntN(2) == 0
			w.run(time.Duration(rng.Int64N(int64(800 * ms))))
		}
		w.lose = [2]bool{}
		w.run(10 * time.Second)
		for i, d := range w.devices {
			if s := d.Snapshot(w.now, nil)[0]; s.State != Up || s.Polling || s.DetectTime != 30*ms || s.ActualTx != 10*ms {
				t.Fatalf("seed %d, device %c 10 s after the losses: %+v", seed, 'A'+i, s)
			}
		}
	}
}
