package channel

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxSegment is the largest TCP segment that fits into every IPv6 packet: 1280 bytes (RFC 8200,
// section 5) less the headers of IPv6 and TCP.
const maxSegment = 1280 - 40 - 20

// smallSegments limits the TCP segments of a socket to maxSegment in both directions:
// TCP_MAXSEG is also the MSS that the SYN announces to the peer. Without this limit, a path
// that drops larger packets and sends no ICMPv6 message would let the connection come up, but
// no synchronisation would ever end. The channel carries little data, so small segments cost
// nothing.
func smallSegments(_, _ string, raw syscall.RawConn) (err error) {
	failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, maxSegment)
	})
	return errors.Join(failed, err)
}
