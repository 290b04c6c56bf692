package arrivals

import (
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// Offsets of the fields of struct __sk_buff (linux/bpf.h) that the program reads.
const (
	skbProtocol = 16
	skbIfindex  = 40
)

// Offsets of the two addresses in the IPv6 header (RFC 8200, section 3).
const (
	addressesAt  = 8
	addressesLen = 32
)

// linkLocalScope is the scope of link-local groups. Only interface-local groups have a
// lower scope.
const linkLocalScope = 2

// fromNetworkHeader is BPF_HDR_START_NET.
const fromNetworkHeader = 1

// program counts a packet if its stream is observed. Otherwise it writes the key of the
// stream into the array of unobserved streams. It always returns 0, so that the socket
// receives nothing.
func program(streams, counts, unobserved *ebpf.Map) *ebpf.ProgramSpec {
	const (
		keyAt   = -int16((keySize + 7) &^ 7) // on the stack
		groupAt = keyAt + int16(unsafe.Offsetof(key{}.group))
		indexAt = keyAt + int16(unsafe.Offsetof(key{}.ifindex))
		slotAt  = keyAt - 8
	)
	return &ebpf.ProgramSpec{
		Name: "tandem_arrivals",
		Type: ebpf.SocketFilter,
		Instructions: append(asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1),
			asm.LoadMem(asm.R0, asm.R6, skbProtocol, asm.Word),
			asm.JNE.Imm(asm.R0, int32(htons(unix.ETH_P_IPV6)), "nothing"),

			// The key: source and group in one piece, then the interface.
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Imm(asm.R2, addressesAt),
			asm.Mov.Reg(asm.R3, asm.RFP),
			asm.Add.Imm(asm.R3, int32(keyAt)),
			asm.Mov.Imm(asm.R4, addressesLen),
			asm.Mov.Imm(asm.R5, fromNetworkHeader),
			asm.FnSkbLoadBytesRelative.Call(),
			asm.JNE.Imm(asm.R0, 0, "nothing"),
			asm.LoadMem(asm.R0, asm.RFP, groupAt, asm.Byte),
			asm.JNE.Imm(asm.R0, 0xff, "nothing"), // not multicast
			asm.LoadMem(asm.R0, asm.R6, skbIfindex, asm.Word),
			asm.StoreMem(asm.RFP, indexAt, asm.R0, asm.Word),

			asm.LoadMapPtr(asm.R1, streams.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, int32(keyAt)),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "unobserved"),
			asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
			asm.StoreMem(asm.RFP, slotAt, asm.R1, asm.Word),

			asm.LoadMapPtr(asm.R1, counts.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, int32(slotAt)),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "nothing"), // cannot happen: every slot has an element
			asm.Mov.Reg(asm.R7, asm.R0),
			asm.FnKtimeGetNs.Call(),
			asm.StoreMem(asm.R7, int16(unsafe.Offsetof(arrival{}.last)), asm.R0, asm.DWord),
			asm.Mov.Imm(asm.R1, 1),
			asm.StoreXAdd(asm.R7, asm.R1, asm.DWord), // packets, at offset 0

			asm.Mov.Imm(asm.R0, 0).WithSymbol("nothing"), // the socket receives nothing
			asm.Return(),
		}, see(unobserved, keyAt, slotAt)...),
		License: "Apache-2.0", // no helper function of the kernel that it calls requires the GPL
	}
}

// see writes the key of an unobserved stream, and the time, into the element of the array
// that the key's hash selects. It then increments the counter in the last element. Two
// streams with the same hash overwrite each other's key with each packet. Two processors
// may write an element at the same time, so the reader must check whether the stream
// exists.
func see(unobserved *ebpf.Map, keyAt, indexAt int16) asm.Instructions {
	const words = int16(unsafe.Sizeof(key{})) / 8 // the rest of the key is the interface
	find := func(failed string) asm.Instructions {
		return asm.Instructions{
			asm.LoadMapPtr(asm.R1, unobserved.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, int32(indexAt)),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, failed), // cannot happen: the index is in range
		}
	}
	list := asm.Instructions{
		asm.LoadMem(asm.R1, asm.RFP, keyAt+int16(unsafe.Offsetof(key{}.group))+1, asm.Byte).WithSymbol("unobserved"),
		asm.And.Imm(asm.R1, 0xf),
		asm.JLE.Imm(asm.R1, linkLocalScope, "nothing"), // no router forwards a packet of this scope (RFC 4291, section 2.7)
		asm.Mov.Imm(asm.R7, 0),
	}
	for i := range words {
		list = append(list,
			asm.LoadMem(asm.R1, asm.RFP, keyAt+8*i, asm.DWord),
			asm.Xor.Reg(asm.R7, asm.R1),
			asm.LoadImm(asm.R2, hashFactor, asm.DWord),
			asm.Mul.Reg(asm.R7, asm.R2),
		)
	}
	list = append(list,
		asm.RSh.Imm(asm.R7, 64-seenBits),
		asm.StoreMem(asm.RFP, indexAt, asm.R7, asm.Word),
	)
	list = append(list, find("nothing")...)
	list = append(list, asm.Mov.Reg(asm.R7, asm.R0))
	for i := range words {
		list = append(list,
			asm.LoadMem(asm.R1, asm.RFP, keyAt+8*i, asm.DWord),
			asm.StoreMem(asm.R7, 8*i, asm.R1, asm.DWord),
		)
	}
	list = append(list,
		asm.LoadMem(asm.R1, asm.RFP, keyAt+8*words, asm.Word),
		asm.StoreMem(asm.R7, 8*words, asm.R1, asm.Word),
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.R7, int16(unsafe.Offsetof(seen{}.at)), asm.R0, asm.DWord),
		asm.StoreImm(asm.RFP, indexAt, seenPlaces, asm.Word),
	)
	list = append(list, find("nothing")...)
	return append(list,
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord), // at offset 0
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	)
}
