package packet

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// ICMPv6 types of MLD messages.
const (
	typeQuery    = 130
	typeReportV1 = 131
	typeDone     = 132
	typeReportV2 = 143
)

// The headers in front of a message (RFC 8200 sections 3, 4 and 4.3).
const (
	headerSize   = 40 // size of the IPv6 header
	atNextHeader = 6

	nextHopByHop = 0
	nextICMPv6   = 58
)

// The two results of a filter program: how many bytes of the packet are received.
var (
	refuse = bpf.RetConstant{Val: 0}
	accept = bpf.RetConstant{Val: ^uint32(0)}
)

// filter returns a filter program. From all packets of the namespace it selects the MLD
// messages that arrive on the given interfaces, without extension headers or with one
// hop-by-hop header. The indexes must be in ascending order. The program sees a packet from
// its network header on. It refuses a packet that is too short for a load. For a packet of
// a stream it ends after three instructions.
func filter(ifindexes []int) []bpf.Instruction {
	require := func(cond bpf.JumpTest, v uint32) []bpf.Instruction {
		return []bpf.Instruction{bpf.JumpIf{Cond: cond, Val: v, SkipTrue: 1}, refuse}
	}
	// The register X is the start of ICMPv6 minus the length of the IPv6 header. At first
	// it is 0.
	hopByHop := slices.Concat(
		require(bpf.JumpEqual, nextHopByHop),
		[]bpf.Instruction{bpf.LoadAbsolute{Off: headerSize, Size: 1}}, // its next header
		require(bpf.JumpEqual, nextICMPv6),
		[]bpf.Instruction{
			bpf.LoadAbsolute{Off: headerSize + 1, Size: 1}, // its length beyond the first 8 bytes, in 8 bytes
			bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 1},
			bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 3},
			bpf.TAX{},
		},
	)
	version1 := slices.Concat(require(bpf.JumpGreaterOrEqual, typeQuery), require(bpf.JumpLessOrEqual, typeDone))
	// A packet that still has a VLAN tag belongs to a sub-interface. It passes the socket
	// again on the sub-interface. VLAN 0 means that the tag only carries a priority.
	priority := slices.Concat(
		[]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTag}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}},
		require(bpf.JumpEqual, 0),
	)
	program := slices.Concat(
		[]bpf.Instruction{
			bpf.LoadAbsolute{Off: atNextHeader, Size: 1},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: nextICMPv6, SkipTrue: uint8(len(hopByHop))},
		},
		hopByHop,
		[]bpf.Instruction{
			bpf.LoadIndirect{Off: headerSize, Size: 1}, // the ICMPv6 type
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: typeReportV2, SkipTrue: uint8(len(version1))},
		},
		version1,
		[]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtProto}},
		require(bpf.JumpEqual, unix.ETH_P_IPV6),
		[]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtType}},
		require(bpf.JumpLessOrEqual, unix.PACKET_MULTICAST), // not sent to another host, and not sent by this one
		[]bpf.Instruction{
			bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: uint8(len(priority))},
		},
		priority,
		[]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtInterfaceIndex}},
	)
	return append(program, among(ifindexes)...)
}

// chunk is how many interfaces the filter compares one by one, after a search has
// narrowed the range. So 1,000 interfaces take no more than 70 instructions.
const chunk = 32

// among returns a program that accepts if the accumulator is one of the numbers, which are
// in ascending order.
func among(numbers []int) (program []bpf.Instruction) {
	for some := range slices.Chunk(numbers, chunk) {
		n := uint8(len(some))
		program = append(program, bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: uint32(some[n-1]), SkipTrue: n + 2})
		for i, number := range some {
			program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(number), SkipTrue: n - uint8(i)})
		}
		program = append(program, refuse, accept)
	}
	return append(program, refuse)
}

// attach sets a socket's filter for some interfaces. A new filter replaces the old one at
// once, so that the socket is never without a filter.
func attach(fd int, ifindexes []int) error {
	raw, err := bpf.Assemble(filter(ifindexes))
	if err != nil {
		return fmt.Errorf("MLD filter: %w", err)
	}
	program := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		program[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return os.NewSyscallError("attach MLD filter", unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}))
}
