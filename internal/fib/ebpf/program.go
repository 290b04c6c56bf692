package ebpf

import (
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// Offsets of the fields of struct __sk_buff (linux/bpf.h) that the program reads.
const (
	skbLen         = 0
	skbPacketType  = 4
	skbProtocol    = 16
	skbVLANPresent = 20
	skbVLANTag     = 24
	skbIfindex     = 40
	skbGSOSize     = 176
)

// packetOtherHost is PACKET_OTHERHOST: the frame has the hardware address of another
// host.
const packetOtherHost = 3

// Offsets in a frame: Ethernet, then the IPv6 header (RFC 8200, section 3).
const (
	ethernetSize  = 14
	atEtherType   = 12
	atVersion     = ethernetSize
	atPayloadSize = ethernetSize + 4
	atHopLimit    = ethernetSize + 7
	atSource      = ethernetSize + 8
	atGroup       = ethernetSize + 24
	headersSize   = ethernetSize + 40
	addressesSize = 12 // both hardware addresses
)

// Layout of the program's stack. The copied headers end with the two IPv6 addresses,
// which serve as the key of the maps. The message of an upcall overwrites what is before
// the addresses.
const (
	onStackKey    = -int16(8) - 32
	onStackFrame  = onStackKey - atSource
	onStackUpcall = onStackKey - 8
	onStackNow    = -int16(8)
	onStackIndex  = onStackFrame - 2 - 8
	onStackHop    = onStackIndex - 8
	onStackCopy   = onStackHop - int16(copySize)
)

// copying is the state that the program passes to its loop over the outputs.
type copying struct {
	_         uint64 // the context of the program
	first     uint32 // index of the first output in the lists
	mask      uint32 // mask for output.gate; 0 for an exception
	shift     uint32 // position of the generation's bits in output.gate
	incoming  uint32 // index of the incoming interface
	size      uint32 // size of the IPv6 packet, 0 if the interface cuts it into segments
	addresses [addressesSize]byte
}

const (
	copySize     = int(unsafe.Sizeof(copying{}))
	copyFirst    = int16(unsafe.Offsetof(copying{}.first))
	copyMask     = int16(unsafe.Offsetof(copying{}.mask))
	copyShift    = int16(unsafe.Offsetof(copying{}.shift))
	copyIncoming = int16(unsafe.Offsetof(copying{}.incoming))
	copyLength   = int16(unsafe.Offsetof(copying{}.size))
	copyTo       = int16(unsafe.Offsetof(copying{}.addresses))
	copyFrom     = copyTo + 6
)

// askAgain is the shortest time between two upcalls for the same unknown stream, in ns.
const askAgain = 10_000_000

const recomputeChecksum = 1 // BPF_F_RECOMPUTE_CSUM

// forwarding returns the program for the ingress hook of each interface. It sends the
// copies and passes the packet itself on to the kernel, where local listeners and
// observers get it.
func forwarding(m *maps) *ebpf.ProgramSpec {
	var list asm.Instructions
	for _, part := range []asm.Instructions{
		checkFrame(), checkAddresses(), findRoute(m), count(), checkHopLimit(m), askGate(m), replicate(),
		askRouter(m), {asm.Mov.Imm(asm.R0, tcxNext).WithSymbol("pass"), asm.Return()},
		sendCopy(m),
	} {
		list = append(list, part...)
	}
	list[0] = btf.WithFuncMetadata(list[0].WithSymbol("forward"), &btf.Func{
		Name: "forward", Linkage: btf.GlobalFunc,
		Type: &btf.FuncProto{Return: integer, Params: []btf.FuncParam{{Name: "packet", Type: &btf.Pointer{Target: &btf.Struct{Name: "__sk_buff"}}}}},
	})
	return &ebpf.ProgramSpec{
		Name: "tandem_forward", Type: ebpf.SchedCLS, AttachType: ebpf.AttachTCXIngress,
		Instructions: list,
		License:      "Apache-2.0", // none of the used helpers requires the GPL
	}
}

// tcxNext is TCX_NEXT: the next program on the hook decides, if there is one.
const tcxNext = -1

var integer = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}

// checkFrame copies the headers to the stack. The program ignores frames that are not
// IPv6 or not for this device. From here on R6 is the context.
func checkFrame() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R0, asm.R6, skbProtocol, asm.Word),
		asm.JNE.Imm(asm.R0, int32(htons(unix.ETH_P_IPV6)), "pass"),
		asm.LoadMem(asm.R0, asm.R6, skbPacketType, asm.Word),
		asm.JEq.Imm(asm.R0, packetOtherHost, "pass"),
		// A VLAN tag that is still in the frame belongs to a VLAN interface, which gets
		// the frame later, or to no interface.
		asm.LoadMem(asm.R0, asm.R6, skbVLANPresent, asm.Word),
		asm.JEq.Imm(asm.R0, 0, "untagged"),
		asm.LoadMem(asm.R0, asm.R6, skbVLANTag, asm.Word),
		asm.And.Imm(asm.R0, 0xfff),
		asm.JNE.Imm(asm.R0, 0, "pass"),
		asm.Mov.Reg(asm.R1, asm.R6), // a tag with only a priority
		asm.FnSkbVlanPop.Call(),
		asm.JNE.Imm(asm.R0, 0, "pass"),
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("untagged"),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, int32(onStackFrame)),
		asm.Mov.Imm(asm.R4, headersSize),
		asm.FnSkbLoadBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "pass"),
	}
}

// checkAddresses makes the program ignore a packet unless it is multicast of a scope
// wider than the link, its source may be forwarded (RFC 4291, sections 2.5.6 and 2.7),
// and it is as long as its header says.
func checkAddresses() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R0, asm.RFP, onStackFrame+atEtherType, asm.Half),
		asm.JNE.Imm(asm.R0, int32(htons(unix.ETH_P_IPV6)), "pass"),
		asm.LoadMem(asm.R0, asm.RFP, onStackFrame+atVersion, asm.Byte),
		asm.And.Imm(asm.R0, 0xf0),
		asm.JNE.Imm(asm.R0, 0x60, "pass"),
		asm.LoadMem(asm.R0, asm.RFP, onStackFrame+atGroup, asm.Byte),
		asm.JNE.Imm(asm.R0, 0xff, "pass"),
		asm.LoadMem(asm.R0, asm.RFP, onStackFrame+atGroup+1, asm.Byte),
		asm.And.Imm(asm.R0, 0x0f),
		asm.JLT.Imm(asm.R0, 3, "pass"),
		asm.LoadMem(asm.R0, asm.RFP, onStackFrame+atSource, asm.Half),
		asm.HostTo(asm.BE, asm.R0, asm.Half),
		asm.JGE.Imm(asm.R0, 0xff00, "pass"),
		asm.And.Imm(asm.R0, 0xffc0),
		asm.JEq.Imm(asm.R0, 0xfe80, "pass"),
		// R8 is the size of the packet, IPv6 header included.
		asm.LoadMem(asm.R8, asm.RFP, onStackFrame+atPayloadSize, asm.Half),
		asm.HostTo(asm.BE, asm.R8, asm.Half),
		asm.Add.Imm(asm.R8, headersSize-ethernetSize),
		asm.LoadMem(asm.R0, asm.R6, skbLen, asm.Word),
		asm.Sub.Imm(asm.R0, ethernetSize),
		asm.JGT.Reg(asm.R8, asm.R0, "pass"),
	}
}

// lookup sets R0 to the element of a map whose key is on the stack. If there is none, it
// jumps to absent.
func lookup(m *ebpf.Map, at int16, absent string) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, int32(at)),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, absent),
	}
}

// increment adds 1 to the 8-byte number to which a register points.
func increment(pointer asm.Register, offset int16) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R1, 1), asm.AddAtomic.Mem(pointer, asm.R1, asm.DWord, offset)}
}

// join concatenates instructions.
func join(parts ...asm.Instructions) (list asm.Instructions) {
	for _, p := range parts {
		list = append(list, p...)
	}
	return list
}

// findRoute sets R7 to the route of the stream, and R9 to its counters.
func findRoute(m *maps) asm.Instructions {
	return join(
		lookup(m.routes, onStackKey, "unknown"),
		asm.Instructions{
			asm.Mov.Reg(asm.R7, asm.R0),
			asm.LoadMem(asm.R1, asm.R7, int16(unsafe.Offsetof(route{}.Slot)), asm.Word),
			asm.StoreMem(asm.RFP, onStackIndex, asm.R1, asm.Word),
		},
		lookup(m.streams.Map, onStackIndex, "pass"),
		asm.Instructions{asm.Mov.Reg(asm.R9, asm.R0)},
	)
}

// count counts the packet, as one from the incoming interface or from another one.
func count() asm.Instructions {
	return join(
		asm.Instructions{
			asm.LoadMem(asm.R1, asm.R6, skbIfindex, asm.Word),
			asm.LoadMem(asm.R2, asm.R7, int16(unsafe.Offsetof(route{}.Incoming)), asm.Word),
			asm.JEq.Reg(asm.R1, asm.R2, "right side"),
		},
		increment(asm.R9, int16(unsafe.Offsetof(stream{}.wrong))),
		asm.Instructions{
			asm.Ja.Label("pass"),
			asm.FnKtimeGetNs.Call().WithSymbol("right side"),
			asm.StoreMem(asm.R9, int16(unsafe.Offsetof(stream{}.last)), asm.R0, asm.DWord),
		},
		increment(asm.R9, int16(unsafe.Offsetof(stream{}.packets))),
		asm.Instructions{asm.AddAtomic.Mem(asm.R9, asm.R8, asm.DWord, int16(unsafe.Offsetof(stream{}.bytes)))},
	)
}

// checkHopLimit ends the program for a packet whose hop limit ends here, and sets R9 to
// the control.
func checkHopLimit(m *maps) asm.Instructions {
	return join(
		asm.Instructions{asm.StoreImm(asm.RFP, onStackIndex, 0, asm.Word)},
		lookup(m.control.Map, onStackIndex, "pass"),
		asm.Instructions{
			asm.Mov.Reg(asm.R9, asm.R0),
			asm.LoadMem(asm.R1, asm.RFP, onStackFrame+atHopLimit, asm.Byte),
			asm.JGT.Imm(asm.R1, 1, "may go on"),
		},
		increment(asm.R9, int16(unsafe.Offsetof(control{}.hopLimit))),
		asm.Instructions{
			asm.Ja.Label("pass"),
			asm.Sub.Imm(asm.R1, 1).WithSymbol("may go on"),
			asm.StoreMem(asm.RFP, onStackHop, asm.R1, asm.Byte),
		},
	)
}

// askGate computes the mask for output.gate. The generation that is read here decides
// about all copies of the packet.
func askGate(m *maps) asm.Instructions {
	return join(
		asm.Instructions{
			asm.LoadMem(asm.R9, asm.R9, int16(unsafe.Offsetof(control{}.gate)), asm.Word),
			asm.Mov.Reg(asm.R1, asm.R9),
			asm.And.Imm(asm.R1, generationMask),
			asm.LSh.Imm(asm.R1, 1),
			asm.StoreMem(asm.RFP, onStackCopy+copyShift, asm.R1, asm.Word),
			asm.LoadMem(asm.R2, asm.R7, int16(unsafe.Offsetof(route{}.Bucket)), asm.Word),
			asm.Add.Reg(asm.R1, asm.R2),
			asm.And.Imm(asm.R1, 31),
			asm.Mov.Imm(asm.R2, 1),
			asm.LSh.Reg(asm.R2, asm.R1),
			asm.StoreMem(asm.RFP, onStackCopy+copyMask, asm.R2, asm.Word),
			asm.Mov.Reg(asm.R1, asm.R9),
			asm.And.Imm(asm.R1, excepting),
			asm.JEq.Imm(asm.R1, 0, "asked"),
		},
		lookup(m.exceptions, onStackKey, "asked"),
		asm.Instructions{
			asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
			asm.And.Imm(asm.R9, generationMask),
			asm.RSh.Reg(asm.R1, asm.R9),
			asm.And.Imm(asm.R1, 1),
			asm.JEq.Imm(asm.R1, 0, "asked"),
			asm.StoreImm(asm.RFP, onStackCopy+copyMask, 0, asm.Word),
		},
	)
}

// replicate sends the copies, with one hop less, and restores the packet.
func replicate() asm.Instructions {
	loop := asm.LoadImm(asm.R2, -1, asm.DWord).WithReference("copy")
	loop.Src = asm.PseudoFunc
	return join(
		asm.Instructions{
			asm.StoreMem(asm.RFP, onStackCopy, asm.R6, asm.DWord).WithSymbol("asked"),
			asm.LoadMem(asm.R1, asm.R7, int16(unsafe.Offsetof(route{}.First)), asm.Word),
			asm.StoreMem(asm.RFP, onStackCopy+copyFirst, asm.R1, asm.Word),
			asm.LoadMem(asm.R1, asm.R6, skbIfindex, asm.Word),
			asm.StoreMem(asm.RFP, onStackCopy+copyIncoming, asm.R1, asm.Word),
			asm.LoadMem(asm.R1, asm.R6, skbGSOSize, asm.Word),
			asm.JEq.Imm(asm.R1, 0, "whole"),
			asm.Mov.Imm(asm.R8, 0),
			asm.StoreMem(asm.RFP, onStackCopy+copyLength, asm.R8, asm.Word).WithSymbol("whole"),
			asm.StoreImm(asm.RFP, onStackCopy+copyTo, 0x3333, asm.Half), // RFC 2464, section 7
			asm.LoadMem(asm.R1, asm.RFP, onStackFrame+atGroup+12, asm.Half),
			asm.StoreMem(asm.RFP, onStackCopy+copyTo+2, asm.R1, asm.Half),
			asm.LoadMem(asm.R1, asm.RFP, onStackFrame+atGroup+14, asm.Half),
			asm.StoreMem(asm.RFP, onStackCopy+copyTo+4, asm.R1, asm.Half),
			asm.StoreImm(asm.RFP, onStackCopy+copyFrom, 0, asm.Half),
			asm.StoreImm(asm.RFP, onStackCopy+copyFrom+2, 0, asm.Half),
			asm.StoreImm(asm.RFP, onStackCopy+copyFrom+4, 0, asm.Half),
			asm.LoadMem(asm.R7, asm.R7, int16(unsafe.Offsetof(route{}.Outputs)), asm.Word),
			asm.JEq.Imm(asm.R7, 0, "pass"),
		},
		write(atHopLimit, onStackHop, 1, recomputeChecksum),
		asm.Instructions{
			asm.JNE.Imm(asm.R0, 0, "pass"),
			asm.Mov.Reg(asm.R1, asm.R7),
			loop,
			asm.Mov.Reg(asm.R3, asm.RFP),
			asm.Add.Imm(asm.R3, int32(onStackCopy)),
			asm.Mov.Imm(asm.R4, 0),
			asm.FnLoop.Call(),
		},
		write(atHopLimit, onStackFrame+atHopLimit, 1, recomputeChecksum),
		write(0, onStackFrame, addressesSize, 0),
		asm.Instructions{asm.Ja.Label("pass")},
	)
}

// write copies bytes from the stack into the packet.
func write(offset int32, from int16, size, flags int32) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, offset),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, int32(from)),
		asm.Mov.Imm(asm.R4, size),
		asm.Mov.Imm(asm.R5, flags),
		asm.FnSkbStoreBytes.Call(),
	}
}

// askRouter sends an upcall for a stream without a route, if it has come in on an
// interface where streams may come in, and askAgain has passed since the last upcall.
func askRouter(m *maps) asm.Instructions {
	return join(
		asm.Instructions{
			asm.LoadMem(asm.R1, asm.R6, skbIfindex, asm.Word).WithSymbol("unknown"),
			asm.StoreMem(asm.RFP, onStackUpcall, asm.R1, asm.Word),
			asm.StoreImm(asm.RFP, onStackUpcall+4, 0, asm.Word),
		},
		lookup(m.incoming, onStackUpcall, "pass"),
		asm.Instructions{
			asm.FnKtimeGetNs.Call(),
			asm.Mov.Reg(asm.R7, asm.R0),
			asm.StoreMem(asm.RFP, onStackNow, asm.R0, asm.DWord),
		},
		lookup(m.asked, onStackKey, "ask"),
		asm.Instructions{
			asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
			asm.Sub.Reg(asm.R7, asm.R1),
			asm.JLT.Imm(asm.R7, askAgain, "pass"),
			asm.LoadMapPtr(asm.R1, m.asked.FD()).WithSymbol("ask"),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, int32(onStackKey)),
			asm.Mov.Reg(asm.R3, asm.RFP),
			asm.Add.Imm(asm.R3, int32(onStackNow)),
			asm.Mov.Imm(asm.R4, 0),
			asm.FnMapUpdateElem.Call(),
			asm.LoadMapPtr(asm.R1, m.upcalls.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, int32(onStackUpcall)),
			asm.Mov.Imm(asm.R3, int32(upcallSize)),
			asm.Mov.Imm(asm.R4, 0),
			asm.FnRingbufOutput.Call(),
		},
	)
}

// htons converts a number to network byte order.
func htons(v uint16) uint16 { return v<<8 | v>>8 }
