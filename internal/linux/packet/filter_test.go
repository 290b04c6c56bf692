package packet

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// TestAmong: the program finds each of many interfaces, and no others.
func TestAmong(t *testing.T) {
	for _, n := range []int{0, 1, 2, chunk - 1, chunk, chunk + 1, 2 * chunk, 1024} {
		var list []int
		for i := range n {
			list = append(list, 5+3*i)
		}
		vm, err := bpf.NewVM(append([]bpf.Instruction{bpf.LoadAbsolute{Off: 0, Size: 4}}, among(list)...))
		if err != nil {
			t.Fatal(err)
		}
		for index := range 3*n + 10 {
			size, err := vm.Run(binary.BigEndian.AppendUint32(nil, uint32(index)))
			if want := slices.Contains(list, index); err != nil || (size > 0) != want {
				t.Fatalf("%d among %d: %d, %v; want %v", index, n, size, err, want)
			}
		}
	}
}

// TestFilterFits: the kernel accepts the program for the largest number of interfaces.
func TestFilterFits(t *testing.T) {
	list := make([]int, 1024)
	for i := range list {
		list[i] = 1 << 20 * (i + 1)
	}
	raw, err := bpf.Assemble(filter(list))
	const longest = 4096 // BPF_MAXINSNS
	if err != nil || len(raw) > longest {
		t.Errorf("%d instructions, %v", len(raw), err)
	}
	fd, err := openIn()
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("needs root: opens a packet socket")
	}
	defer unix.Close(fd)
	for range 2 { // the second one replaces a program of the same length
		err = errors.Join(err, attach(fd, list))
	}
	if err != nil {
		t.Error(err)
	}
}
