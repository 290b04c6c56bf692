// Package arrivals measures when the last packet of each stream arrived.
//
// A device must measure that a stream arrives; it must not assume it. The kernel's own
// counters need one system call for each stream. For thousands of streams that takes longer
// than an interruption may last. This package loads a BPF program that records each packet
// in memory which the daemon reads without a system call. To read 100,000 streams takes a
// fraction of a millisecond.
//
// The program is the filter of a packet socket that receives nothing. So it sees what the
// kernel's IPv6 input of an interface gets: after XDP, after the ingress hooks of tc and
// nftables, and after VLAN, bond and bridge. It works on every kernel with BPF. No other
// program can detach it, and it ends with the socket.
package arrivals

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"structs"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Errors of this package.
var (
	// ErrUnsupported means that the kernel has no BPF, or does not permit this process to
	// use it.
	ErrUnsupported = errors.New("the kernel does not run BPF programs for this process")
	// ErrFull says that no more streams can be observed.
	ErrFull = errors.New("no room for another observed stream")
)

// Stream identifies the observed packets: those from a source to a group that arrive on
// one interface. Packets of the same source and group on another interface are not
// counted.
type Stream struct {
	Source, Group netip.Addr
	Interface     int // interface index
	// Last is when the packet arrived by which the stream was found, before its
	// observation began, as a reading of CLOCK_MONOTONIC. It is 0 if there is none. That
	// packet counts as the stream's first one.
	Last time.Duration
}

// Slot is the number of a stream's counters. It is valid until the stream is removed.
type Slot uint32

// Observer counts the arrivals of streams. One goroutine may call Add and Remove, and one
// (the same or another) Watch and Unwatch. Any goroutine may call [Observer.At].
type Observer struct {
	streams  *ebpf.Map // from key to slot
	counts   *ebpf.Map // by slot
	others   *ebpf.Map // the unobserved streams that the program has seen, by hash
	program  *ebpf.Program
	sockets  map[int]int // by interface index
	spare    []int       // sockets that are bound to the loopback interface, for later use
	memory   []byte      // the mapped memory of counts
	seen     unobserved
	free     []Slot // slots of removed streams, for later use
	used     uint32 // how many slots have ever been used
	capacity uint32
}

// arrival is an element of the array that the program writes.
type arrival struct {
	packets uint64
	last    uint64 // CLOCK_MONOTONIC in ns
}

const arrivalSize = int(unsafe.Sizeof(arrival{}))

// key is the key by which the program finds the stream of a packet.
type key struct {
	_             structs.HostLayout // the ebpf library then passes it to the kernel without encoding
	source, group [16]byte
	ifindex       uint32
}

// loopback is the index of the loopback interface of every network namespace.
const loopback = 1

const keySize = int(unsafe.Sizeof(key{}))

func (s Stream) key() key {
	return key{source: s.Source.As16(), group: s.Group.As16(), ifindex: uint32(s.Interface)}
}

// Open loads the program. Capacity is the largest number of streams that can be observed at
// a time. It takes 16 bytes of locked memory for each of them, and about 100 more for each
// stream that is observed. The error wraps [ErrUnsupported] if the kernel lacks a feature
// or the process lacks a capability (CAP_BPF, CAP_NET_RAW).
func Open(capacity int) (*Observer, error) {
	o := &Observer{sockets: make(map[int]int), capacity: uint32(capacity)}
	if err := o.open(); err != nil {
		o.Close()
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return o, nil
}

func (o *Observer) open() (err error) {
	if o.streams, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "tandem_streams", Type: ebpf.Hash, KeySize: uint32(keySize), ValueSize: 4, MaxEntries: o.capacity,
		Flags: unix.BPF_F_NO_PREALLOC,
	}); err != nil {
		return fmt.Errorf("map of streams: %w", err)
	}
	if o.counts, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "tandem_arrivals", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(arrivalSize), MaxEntries: o.capacity,
		Flags: unix.BPF_F_MMAPABLE,
	}); err != nil {
		return fmt.Errorf("map of arrivals: %w", err)
	}
	if o.memory, err = mapped(o.counts, int(o.capacity)*arrivalSize); err != nil {
		return fmt.Errorf("memory of arrivals: %w", err)
	}
	if o.others, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "tandem_seen", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(seenSize), MaxEntries: seenPlaces + 1,
		Flags: unix.BPF_F_MMAPABLE,
	}); err != nil {
		return fmt.Errorf("map of unobserved streams: %w", err)
	}
	if o.seen.memory, err = mapped(o.others, (seenPlaces+1)*seenSize); err != nil {
		return fmt.Errorf("memory of unobserved streams: %w", err)
	}
	if o.program, err = ebpf.NewProgram(program(o.streams, o.counts, o.others)); err != nil {
		return fmt.Errorf("program: %w", err)
	}
	fd, err := o.socket()
	if err != nil {
		return err
	}
	o.spare = append(o.spare, fd)
	return nil
}

// mapped maps the memory of an array that the eBPF program writes and the daemon reads.
func mapped(array *ebpf.Map, size int) ([]byte, error) {
	pages := (size + os.Getpagesize() - 1) &^ (os.Getpagesize() - 1)
	return unix.Mmap(array.FD(), 0, pages, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// Close ends all observation and frees the memory.
func (o *Observer) Close() {
	for ifindex := range o.sockets {
		o.Unwatch(ifindex)
	}
	for _, fd := range o.spare {
		unix.Close(fd)
	}
	o.spare = nil
	o.program.Close()
	for _, memory := range []*[]byte{&o.memory, &o.seen.memory} {
		if *memory != nil {
			_ = unix.Munmap(*memory) // cannot fail: the memory was mapped by Open
			*memory = nil
		}
	}
	o.counts.Close()
	o.others.Close()
	o.streams.Close()
}

// Add begins to observe streams. The packet counter of a stream begins at 1 if the stream has
// a Last, otherwise at 0. Add returns one slot for each stream, in the same order. None of the streams
// may be observed already. If the error is [ErrFull], nothing has changed.
func (o *Observer) Add(streams []Stream) ([]Slot, error) {
	if len(streams) > int(o.capacity-o.used)+len(o.free) {
		return nil, ErrFull
	}
	keys, slots := make([]key, len(streams)), make([]Slot, len(streams))
	for i, s := range streams {
		keys[i], slots[i] = s.key(), o.take(s.Last)
	}
	if _, err := o.streams.BatchUpdate(keys, slots, nil); err != nil {
		o.free = append(o.free, slots...)
		return nil, fmt.Errorf("observe streams: %w", err)
	}
	return slots, nil
}

// take returns a free slot. Its counters are zero, or count the packet that arrived at
// the time last.
func (o *Observer) take(last time.Duration) Slot {
	slot := Slot(o.used)
	if n := len(o.free); n > 0 {
		slot, o.free = o.free[n-1], o.free[:n-1]
	} else {
		o.used++
	}
	a := o.at(slot)
	atomic.StoreUint64(&a.packets, min(uint64(last), 1))
	atomic.StoreUint64(&a.last, uint64(last))
	return slot
}

// Remove ends the observation of a stream and frees its slot.
func (o *Observer) Remove(s Stream, slot Slot) error {
	if err := o.streams.Delete(s.key()); err != nil {
		return fmt.Errorf("stream (%s, %s): %w", s.Source, s.Group, err)
	}
	o.free = append(o.free, slot)
	return nil
}

// At returns how many packets of the stream in a slot have arrived since Add, and when the
// last one arrived, as a reading of CLOCK_MONOTONIC; 0 if none has.
func (o *Observer) At(slot Slot) (packets uint64, last time.Duration) {
	a := o.at(slot)
	return atomic.LoadUint64(&a.packets), time.Duration(atomic.LoadUint64(&a.last))
}

func (o *Observer) at(slot Slot) *arrival {
	return (*arrival)(unsafe.Pointer(&o.memory[int(slot)*arrivalSize]))
}
