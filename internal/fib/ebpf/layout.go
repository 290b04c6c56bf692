package ebpf

import (
	"net/netip"
	"structs"
	"unsafe"

	"tandem/internal/device"
)

// layout is the version of the maps' content. A plane takes over the maps of a
// predecessor only if the versions are equal. Increase it with every change of this file.
const layout = 1

// Sizes of the maps.
const (
	mostRoutes     = 1 << 18
	mostOutputs    = 1 << 12
	listRoom       = 1 << 20 // total number of outputs in all lists
	mostExceptions = 1 << 17
	mostAsked      = 1 << 14 // unknown streams for which the program remembers its upcalls
	upcallBuffer   = 1 << 18 // bytes
)

// key is an (S,G), in the form of the IPv6 header. (The library copies structs as memory
// only if their fields are exported.)
type key struct {
	_             structs.HostLayout
	Source, Group [16]byte
}

func keyOf(s device.SourceGroup) key { return key{Source: s.Source.As16(), Group: s.Group.As16()} }

func (k key) stream() device.SourceGroup {
	return device.SourceGroup{Source: netip.AddrFrom16(k.Source), Group: netip.AddrFrom16(k.Group)}
}

// route says what the program does with a stream.
type route struct {
	_        structs.HostLayout
	Incoming uint32 // index of the incoming interface
	Slot     uint32 // index of the stream's counters
	First    uint32 // index of the first output in the lists
	Outputs  uint32 // number of outputs
	Bucket   uint32 // 0 or 1, see [etrunk.BucketOf]
}

// stream holds the counters of a stream.
type stream struct {
	packets, bytes uint64 // packets that came in on the incoming interface
	wrong          uint64 // packets that came in on another interface
	last           uint64 // when the last packet came, CLOCK_MONOTONIC in ns
}

// listed is an element of a list of outputs. The kernel gives each 8 bytes in any case.
type listed struct {
	output, _ uint32
}

// output is an outgoing interface.
type output struct {
	ifindex uint32 // 0: no packet leaves
	// gate has two bits for each generation of the gate: whether bucket 0 and bucket 1 pass.
	gate    uint32
	mtu     uint32 // largest IPv6 packet, in bytes
	address [6]byte
	_       [6]byte
	sent    uint64    // packets that were passed to the interface
	failed  uint64    // packets that the interface refused
	tooLong uint64    // packets above the MTU
	held    [3]uint64 // packets that the gate held back, by what the gate lets pass here
}

// What the gate lets pass at an output, as an index of output.held.
const (
	heldClosed = iota // the gate lets nothing pass
	heldBucket0
	heldBucket1
)

// control is what the program reads first for every packet.
type control struct {
	// gate is the generation of the gate. excepting is the bit of that generation if it
	// has exceptions, else 0.
	gate, _  uint32
	hopLimit uint64 // packets that were not forwarded because of their hop limit
}

const (
	// generations is the number of generations of the gate, which are used in turn. So a
	// change does not overwrite the generation that the program is just reading for a
	// packet.
	generations    = 4
	generationMask = generations - 1
	excepting      = 1 << 8
)

// upcall is a message from the program: a stream without a route has come in.
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
