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

// nativeUint32 is a number as the expressions of nftables compute it.
func nativeUint32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
