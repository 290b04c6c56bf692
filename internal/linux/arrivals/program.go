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

// fromNetworkHeader is BPF_HDR_START_NET.
const fromNetworkHeader = 1

// program counts a packet if its stream is observed. It always returns 0, so that the
// socket receives nothing.
func program(streams, counts *ebpf.Map) *ebpf.ProgramSpec {
	const (
		keyAt   = -int16((keySize + 7) &^ 7) // on the stack
		groupAt = keyAt + int16(unsafe.Offsetof(key{}.group))
		indexAt = keyAt + int16(unsafe.Offsetof(key{}.ifindex))
		slotAt  = keyAt - 8
	)
	return &ebpf.ProgramSpec{
		Name: "tandem_arrivals",
		Type: ebpf.SocketFilter,
		Instructions: asm.Instructions{
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
			asm.JEq.Imm(asm.R0, 0, "nothing"), // the stream is not observed
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
		},
		License: "Apache-2.0", // no helper function of the kernel that it calls requires the GPL
	}
}
