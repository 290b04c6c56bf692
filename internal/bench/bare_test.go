package bench

import (
	"context"
	"os"
	"runtime"
	"testing"
)

// TestBare: the bare device reads every report and sets its entry, with each way of
// sending. The watch reports the entries that it follows.
func TestBare(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	r := &run{ctx: context.Background()}
	b, err := newBare(runtime.NumCPU()-1, true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}()
	const single, many, oneIn = 20, 2_000, 16
	took, err := b.oneByOne(b.wire, reports(single, single, 100, join), entryMade)
	if err != nil || len(took) != single {
		t.Fatalf("%d joins one by one: %v", len(took), err)
	}
	w, err := b.watch(deviceA, entryMade, many, oneIn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.inTurns(b.wire, reports(many, many, 100, join), b.waiting, b.hasTaken(single+many)); err != nil {
		t.Fatal(err)
	}
	for i := range many {
		switch _, told := w.when(i); {
		case i%oneIn != 0 && told:
			t.Fatalf("the watch told of group %d", i)
		case i%oneIn == 0:
			if _, err := w.wait(i); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	look, err := b.mfc(deviceA)
	if err != nil {
		t.Fatal(err)
	}
	defer look.close()
	if i := look.missing(0, many); i >= 0 {
		t.Errorf("group %d has no entry", i)
	}
}

// TestBareResync: the limit of a resynchronisation is measured for a complete one.
func TestBareResync(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	if took, err := bareResync(3 * manyHosts); err != nil || took <= 0 {
		t.Fatalf("%v: %v", took, err)
	}
}
