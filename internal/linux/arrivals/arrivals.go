// Package arrivals tells of each stream when its last packet came in.
//
// A device must show that a stream arrives, not believe it. The kernel's own
// counters answer that with one system call a stream, which for thousands of
// streams takes longer than a gap may last. Here a BPF program notes each
// packet in memory that the daemon reads without a system call: a look at
// 100,000 streams takes a fraction of a millisecond.
//
// The program is the filter of a packet socket that receives nothing. So it sees
// what the kernel's IPv6 input of an interface gets: behind XDP, behind the ingress
// hooks of tc and nftables, and behind VLAN, bond and bridge. It works on every kernel
// with BPF, nobody can remove it from outside, and it ends with the socket.
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
	// ErrUnsupported says that the kernel has no BPF for us, or refuses it.
	ErrUnsupported = errors.New("the kernel does not run BPF programs for this process")
	// ErrFull says that no more streams can be observed.
	ErrFull = errors.New("no room for another observed stream")
)

// Stream is what is observed: the packets from a source to a group that come in by one
// interface. What comes in by another interface does not count.
type Stream struct {
	Source, Group netip.Addr
	Interface     int // index
}

// Slot is the place of an observed stream, until it is removed.
type Slot uint32

// Observer counts the arrivals of streams. Its methods are for one goroutine, but
// [Observer.At] may be called from any, and Watch and Unwatch from another one than Add and Remove.
type Observer struct {
	streams  *ebpf.Map // from key to slot
	counts   *ebpf.Map // by slot
	program  *ebpf.Program
	sockets  map[int]int // by interface index
	spare    []int       // sockets that are bound to no interface of interest
	memory   []byte      // of counts
	free     []Slot      // given back
	used     uint32      // slots that were ever given
	capacity uint32
}

// arrival is an element of the array that the program writes.
type arrival struct {
	packets uint64
	last    uint64 // CLOCK_MONOTONIC in ns
}

const arrivalSize = int(unsafe.Sizeof(arrival{}))

// key is what the program looks a packet up by.
type key struct {
	_             structs.HostLayout // lets the library pass it on as it lies in memory
	source, group [16]byte
	ifindex       uint32
}

// loopback is the index of the loopback interface of every network namespace.
const loopback = 1

const keySize = int(unsafe.Sizeof(key{}))

func (s Stream) key() key {
	return key{source: s.Source.As16(), group: s.Group.As16(), ifindex: uint32(s.Interface)}
}

// Open loads the program. It can observe up to capacity streams at a time: 16 bytes of locked memory
// for each of them, and some 100 more for each that is observed. The error wraps
// [ErrUnsupported] where the kernel or the process lacks what it takes (CAP_BPF, CAP_NET_RAW).
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
	size := (int(o.capacity)*arrivalSize + os.Getpagesize() - 1) &^ (os.Getpagesize() - 1)
	if o.memory, err = unix.Mmap(o.counts.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("memory of arrivals: %w", err)
	}
	if o.program, err = ebpf.NewProgram(program(o.streams, o.counts)); err != nil {
		return fmt.Errorf("program: %w", err)
	}
	fd, err := o.socket()
	if err != nil {
		return err
	}
	o.spare = append(o.spare, fd)
	return nil
}

// socket opens a packet socket with the program in place.
func (o *Observer) socket() (int, error) {
	// Without a protocol the socket receives nothing until it is bound, behind its filter.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("packet socket: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, o.program.FD()); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("attach the program: %w", err)
	}
	return fd, nil
}

// bind has a socket see what comes in by an interface.
func bind(fd, ifindex int) error {
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_IPV6), Ifindex: ifindex})
}

// Close ends all observation.
func (o *Observer) Close() {
	for ifindex := range o.sockets {
		o.Unwatch(ifindex)
	}
	for _, fd := range o.spare {
		unix.Close(fd)
	}
	o.spare = nil
	o.program.Close()
	if o.memory != nil {
		_ = unix.Munmap(o.memory) // fails for no memory of ours
		o.memory = nil
	}
	o.counts.Close()
	o.streams.Close()
}

// Watch begins to count what comes in by an interface. It does nothing where that is so already. The
// first interface is one of the network namespace in which Open was called, each that is watched beside
// others one of the calling thread's.
func (o *Observer) Watch(ifindex int) error {
	if _, watched := o.sockets[ifindex]; watched {
		return nil
	}
	if len(o.spare) == 0 {
		fd, err := o.socket()
		if err != nil {
			return err
		}
		o.spare = append(o.spare, fd)
	}
	fd := o.spare[len(o.spare)-1]
	if err := bind(fd, ifindex); err != nil {
		return fmt.Errorf("packet socket on interface index %d: %w", ifindex, err)
	}
	o.spare = o.spare[:len(o.spare)-1]
	o.sockets[ifindex] = fd
	return nil
}

// Unwatch ends what [Observer.Watch] began. It must be called also for an interface that has
// gone, before another one can have its index.
func (o *Observer) Unwatch(ifindex int) {
	fd, watched := o.sockets[ifindex]
	if !watched {
		return
	}
	delete(o.sockets, ifindex)
	// It stays in its namespace, for another interface: no stream comes in by the loopback interface.
	if bind(fd, loopback) == nil {
		o.spare = append(o.spare, fd)
	} else {
		unix.Close(fd)
	}
}

// Add begins to observe streams, with nothing counted. The slots are in the order of the streams.
// None of them may be observed already. With [ErrFull] nothing has changed.
func (o *Observer) Add(streams []Stream) ([]Slot, error) {
	if len(streams) > int(o.capacity-o.used)+len(o.free) {
		return nil, ErrFull
	}
	keys, slots := make([]key, len(streams)), make([]Slot, len(streams))
	for i, s := range streams {
		keys[i], slots[i] = s.key(), o.take()
	}
	if _, err := o.streams.BatchUpdate(keys, slots, nil); err != nil {
		o.free = append(o.free, slots...)
		return nil, fmt.Errorf("observe streams: %w", err)
	}
	return slots, nil
}

// take returns a slot that nobody has, cleared.
func (o *Observer) take() Slot {
	if n := len(o.free); n > 0 {
		slot := o.free[n-1]
		o.free = o.free[:n-1]
		a := o.at(slot)
		atomic.StoreUint64(&a.packets, 0)
		atomic.StoreUint64(&a.last, 0)
		return slot
	}
	o.used++
	return Slot(o.used - 1)
}

// Remove ends the observation of a stream that is in a slot.
func (o *Observer) Remove(s Stream, slot Slot) error {
	if err := o.streams.Delete(s.key()); err != nil {
		return fmt.Errorf("stream (%s, %s): %w", s.Source, s.Group, err)
	}
	o.free = append(o.free, slot)
	return nil
}

// At tells how many packets of the stream in a slot have come since it was added, and when the last
// one came, as a reading of CLOCK_MONOTONIC; 0 for none.
func (o *Observer) At(slot Slot) (packets uint64, last time.Duration) {
	a := o.at(slot)
	return atomic.LoadUint64(&a.packets), time.Duration(atomic.LoadUint64(&a.last))
}

func (o *Observer) at(slot Slot) *arrival {
	return (*arrival)(unsafe.Pointer(&o.memory[int(slot)*arrivalSize]))
}

// htons puts a protocol number into network byte order.
func htons(v uint16) uint16 { return v<<8 | v>>8 }
