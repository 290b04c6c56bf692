package lab

import (
	"encoding/binary"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch receives many packets by one system call and without allocating, so
// that counting costs the machine as little as possible.
type batch struct {
	headers [batchSize]mmsghdr
	vectors [batchSize]unix.Iovec
	data    [batchSize][64]byte
	control [batchSize][128]byte
}

const batchSize = 32

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

func newBatch() *batch {
	b := new(batch)
	for i := range b.headers {
		b.vectors[i].Base = &b.data[i][0]
		b.vectors[i].SetLen(len(b.data[i]))
		b.headers[i].header.Iov = &b.vectors[i]
		b.headers[i].header.SetIovlen(1)
	}
	return b
}

// receive reads the packets that have arrived, up to batchSize, and does not wait.
func (b *batch) receive(fd int) (n int, err error) {
	for i := range b.headers {
		h := &b.headers[i].header
		h.Control = &b.control[i][0]
		h.SetControllen(len(b.control[i]))
	}
	got, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])),
		batchSize, unix.MSG_DONTWAIT, 0, 0)
	runtime.KeepAlive(b)
	if errno != 0 {
		return 0, errno
	}
	return int(got), nil
}

// message returns the payload and the control data of a packet of the last receive.
func (b *batch) message(i int) (data, control []byte) {
	m := &b.headers[i]
	return b.data[i][:min(int(m.length), len(b.data[i]))], b.control[i][:m.header.Controllen]
}

// parseControl returns the kernel's receive time in Unix nanoseconds, and how many packets the
// kernel had dropped before this one because the buffer was full.
func parseControl(b []byte) (at int64, dropped uint32) {
	const head = unix.SizeofCmsghdr
	for len(b) >= head {
		length := int(binary.NativeEndian.Uint64(b))
		level, typ := binary.NativeEndian.Uint32(b[8:]), binary.NativeEndian.Uint32(b[12:])
		if length < head || length > len(b) {
			break
		}
		data := b[head:length]
		switch {
		case level != unix.SOL_SOCKET:
		case typ == unix.SO_RXQ_OVFL && len(data) >= 4:
			dropped = binary.NativeEndian.Uint32(data)
		case typ == unix.SO_TIMESTAMPNS && len(data) >= 16:
			at = int64(binary.NativeEndian.Uint64(data))*int64(time.Second) + int64(binary.NativeEndian.Uint64(data[8:]))
		}
		b = b[min(len(b), unix.CmsgSpace(length-head)):]
	}
	return at, dropped
}
