package lab

import (
	"encoding/binary"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// outOf matches frames that leave by an interface.
func outOf(link string) []expr.Any {
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, link)
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: unix.NFT_REG_1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: unix.NFT_REG_1, Data: name},
	}
}

// nativeUint32 returns a number in the byte order in which nftables computes.
func nativeUint32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
