package channel

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxSegment is the largest TCP segment that fits into every IPv6 packet: 1280 bytes (RFC 8200,
// section 5) less the headers of IPv6 and TCP.
const maxSegment = 1280 - 40 - 20

// smallSegments makes a socket send segments that pass every path, and ask for such. A path that drops
// larger packets without an ICMPv6 message would let the connection come up and never finish a
// synchronisation. The channel carries little, so that small segments cost nothing.
func smallSegments(_, _ string, raw syscall.RawConn) (err error) {
	failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, maxSegment)
	})
	return errors.Join(failed, err)
}
