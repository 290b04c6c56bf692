package ebpf

import (
	"net/netip"
	"structs"
	"unsafe"

	"tandem/internal/device"
)

// layout is the version of what the maps hold. A plane goes on with the maps of a
// predecessor only when it is the same. Count it up with every change of this file.
const layout = 1

// How much the maps hold.
const (
	mostRoutes     = 1 << 18
	mostOutputs    = 1 << 12
	listRoom       = 1 << 20 // elements of all lists of outputs
	mostExceptions = 1 << 17
	mostAsked      = 1 << 14 // unknown streams that the program remembers
	upcallBuffer   = 1 << 18 // bytes
)

// key is an (S,G), as it stands in the IPv6 header. (The library takes structs as they lie in memory
// only when their fields are exported.)
type key struct {
	_             structs.HostLayout
	Source, Group [16]byte
}

func keyOf(s device.SourceGroup) key { return key{Source: s.Source.As16(), Group: s.Group.As16()} }

func (k key) stream() device.SourceGroup {
	return device.SourceGroup{Source: netip.AddrFrom16(k.Source), Group: netip.AddrFrom16(k.Group)}
}

// route is what is to be done with a stream.
type route struct {
	_        structs.HostLayout
	Incoming uint32 // interface index
	Slot     uint32 // of its counters
	First    uint32 // element of its outputs in the lists
	Outputs  uint32 // how many
	Bucket   uint32 // 0 or 1, see [etrunk.BucketOf]
}

// stream counts what came of a stream.
type stream struct {
	packets, bytes uint64 // by its incoming interface
	wrong          uint64 // packets that came in elsewhere
	last           uint64 // when the last one came, CLOCK_MONOTONIC in ns
}

// listed is an element of a list of outputs. The kernel gives each 8 bytes in any case.
type listed struct {
	output, _ uint32
}

// output is an interface by which packets leave.
type output struct {
	ifindex uint32 // 0: nothing leaves
	// gate has two bits for each generation of the gate: whether bucket 0 and bucket 1 pass.
	gate    uint32
	mtu     uint32 // of IPv6 packets, in bytes
	address [6]byte
	_       [6]byte
	sent    uint64    // packets that were given to the interface
	failed  uint64    // those that it did not take
	tooLong uint64    // those above the MTU
	held    [3]uint64 // those that the gate held back, by what it lets pass
}

// What the gate lets pass, as an index of output.held.
const (
	heldClosed = iota // nothing
	heldBucket0
	heldBucket1
)

// control is what the program reads first.
type control struct {
	// gate is the generation of the gate, and excepting where that has exceptions.
	gate, _  uint32
	hopLimit uint64 // packets whose hop limit ends here
}

const (
	// generations of the gate take turns. A packet that is being replicated reads
	// one of them while the next one is written.
	generations    = 4
	generationMask = generations - 1
	excepting      = 1 << 8
)

// upcall is a message of the program: a stream without a route came in.
type upcall struct {
	ifindex, _ uint32
	key
}

const (
	keySize     = int(unsafe.Sizeof(key{}))
	routeSize   = int(unsafe.Sizeof(route{}))
	streamSize  = int(unsafe.Sizeof(stream{}))
	listedSize  = int(unsafe.Sizeof(listed{}))
	outputSize  = int(unsafe.Sizeof(output{}))
	controlSize = int(unsafe.Sizeof(control{}))
	upcallSize  = int(unsafe.Sizeof(upcall{}))
)
