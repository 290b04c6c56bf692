package ebpf

import (
	"reflect"
	"testing"

	"tandem/internal/device"
)

// TestPasses: an interface that is in both buckets' lists sends nothing, and does not
// affect other interfaces.
func TestPasses(t *testing.T) {
	got := passes(&device.Gate{Closed: []string{"a", "b"}, Bucket0: []string{"b", "c", "d"}, Bucket1: []string{"c", "e"}})
	want := map[string]uint32{"a": passNothing, "b": passNothing, "c": passNothing, "d": passBucket0, "e": passBucket1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if passAt(got, "f") != passAll {
		t.Error("an interface that is not named does not send everything")
	}
}
