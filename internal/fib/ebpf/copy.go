package ebpf

import (
	"unsafe"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// sendCopy is the body of the loop over the outputs of a route. It sends one copy, or
// counts why it did not. The loop passes the number of the output in R1 and a [copying]
// in R2.
func sendCopy(m *maps) asm.Instructions {
	const (
		index   = -int16(4) // on the stack of sendCopy
		address = int16(unsafe.Offsetof(output{}.address))
	)
	body := join(
		asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R2),
			asm.LoadMem(asm.R2, asm.R6, copyFirst, asm.Word),
			asm.Add.Reg(asm.R1, asm.R2),
			asm.StoreMem(asm.RFP, index, asm.R1, asm.Word),
		},
		lookup(m.lists.Map, index, "next"),
		asm.Instructions{
			asm.LoadMem(asm.R1, asm.R0, int16(unsafe.Offsetof(listed{}.output)), asm.Word),
			asm.StoreMem(asm.RFP, index, asm.R1, asm.Word),
		},
		lookup(m.outputs.Map, index, "next"),
		asm.Instructions{
			// From here on R7 points to the output, and R8 is its interface index.
			asm.Mov.Reg(asm.R7, asm.R0),
			asm.LoadMem(asm.R8, asm.R7, int16(unsafe.Offsetof(output{}.ifindex)), asm.Word),
			asm.JEq.Imm(asm.R8, 0, "next"),
			asm.LoadMem(asm.R1, asm.R6, copyIncoming, asm.Word),
			asm.JEq.Reg(asm.R8, asm.R1, "next"),
		},
		passGate(),
		asm.Instructions{
			asm.LoadMem(asm.R1, asm.R6, copyLength, asm.Word),
			asm.LoadMem(asm.R2, asm.R7, int16(unsafe.Offsetof(output{}.mtu)), asm.Word),
			asm.JLE.Reg(asm.R1, asm.R2, "fits"),
		},
		increment(asm.R7, int16(unsafe.Offsetof(output{}.tooLong))),
		asm.Instructions{
			asm.Ja.Label("next"),
			asm.LoadMem(asm.R1, asm.R7, address, asm.Half).WithSymbol("fits"),
			asm.StoreMem(asm.R6, copyFrom, asm.R1, asm.Half),
			asm.LoadMem(asm.R1, asm.R7, address+2, asm.Half),
			asm.StoreMem(asm.R6, copyFrom+2, asm.R1, asm.Half),
			asm.LoadMem(asm.R1, asm.R7, address+4, asm.Half),
			asm.StoreMem(asm.R6, copyFrom+4, asm.R1, asm.Half),
			asm.LoadMem(asm.R1, asm.R6, 0, asm.DWord),
			asm.Mov.Imm(asm.R2, 0),
			asm.Mov.Reg(asm.R3, asm.R6),
			asm.Add.Imm(asm.R3, int32(copyTo)),
			asm.Mov.Imm(asm.R4, addressesSize),
			asm.Mov.Imm(asm.R5, 0),
			asm.FnSkbStoreBytes.Call(),
			asm.JNE.Imm(asm.R0, 0, "failed"),
			asm.LoadMem(asm.R1, asm.R6, 0, asm.DWord),
			asm.Mov.Reg(asm.R2, asm.R8),
			asm.Mov.Imm(asm.R3, 0), // 0: the copy leaves by the interface
			asm.FnCloneRedirect.Call(),
			asm.JNE.Imm(asm.R0, 0, "failed"),
		},
		increment(asm.R7, int16(unsafe.Offsetof(output{}.sent))),
		asm.Instructions{
			asm.Mov.Imm(asm.R0, 0).WithSymbol("next"),
			asm.Return(),
			asm.Mov.Imm(asm.R1, 1).WithSymbol("failed"),
		},
		increment(asm.R7, int16(unsafe.Offsetof(output{}.failed)))[1:],
		asm.Instructions{asm.Ja.Label("next")},
	)
	body[0] = btf.WithFuncMetadata(body[0].WithSymbol("copy"), &btf.Func{
		Name: "copy", Linkage: btf.StaticFunc,
		Type: &btf.FuncProto{Return: integer, Params: []btf.FuncParam{
			{Name: "index", Type: integer}, {Name: "copying", Type: &btf.Pointer{Target: &btf.Void{}}},
		}},
	})
	return body
}

// passGate jumps if the gate lets the stream pass at this output. Otherwise it counts the
// packet by what the gate lets pass here.
func passGate() asm.Instructions {
	held := int16(unsafe.Offsetof(output{}.held))
	return join(
		asm.Instructions{
			asm.LoadMem(asm.R1, asm.R6, copyMask, asm.Word),
			asm.JEq.Imm(asm.R1, 0, "passed"), // an exception passes every gate
			asm.LoadMem(asm.R2, asm.R7, int16(unsafe.Offsetof(output{}.gate)), asm.Word),
			asm.And.Reg(asm.R1, asm.R2),
			asm.JNE.Imm(asm.R1, 0, "passed"),
			asm.LoadMem(asm.R1, asm.R6, copyShift, asm.Word),
			asm.RSh.Reg(asm.R2, asm.R1),
			asm.And.Imm(asm.R2, 3),
			asm.JEq.Imm(asm.R2, int32(passBucket0), "bucket 0"),
			asm.JEq.Imm(asm.R2, int32(passBucket1), "bucket 1"),
		},
		increment(asm.R7, held+8*heldClosed),
		asm.Instructions{asm.Ja.Label("next"), asm.Mov.Imm(asm.R1, 1).WithSymbol("bucket 0")},
		increment(asm.R7, held+8*heldBucket0)[1:],
		asm.Instructions{asm.Ja.Label("next"), asm.Mov.Imm(asm.R1, 1).WithSymbol("bucket 1")},
		increment(asm.R7, held+8*heldBucket1)[1:],
		asm.Instructions{asm.Ja.Label("next"), asm.Mov.Imm(asm.R0, 0).WithSymbol("passed")},
	)
}
