package gate

import (
	"bytes"

	nftnetlink "github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// batchBuffer is room for the largest transaction in bytes: about 100,000 exceptions.
// Less room only limits how many exceptions can change at once.
const batchBuffer = 16 << 20

// socket is a connection to nftables for the nftables library, whose own one is slower.
type socket struct {
	*netlink.Conn
	out []byte
}

func openSocket() (*socket, error) {
	conn, err := netlink.Open(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	conn.SetBuffers(batchBuffer)
	return &socket{Conn: conn}, nil
}

// exchange is what the library calls in place of a socket of its own: with what is
// to be sent, and with nothing to be given the next answer.
func (s *socket) exchange(request []nftnetlink.Message) ([]nftnetlink.Message, error) {
	if len(request) == 0 {
		return s.receive()
	}
	s.out = s.out[:0]
	for _, m := range request {
		h := m.Header
		s.out = netlink.AppendMessage(s.out, netlink.Message{
			Type: uint16(h.Type), Flags: uint16(h.Flags), Seq: h.Sequence, Port: h.PID, Data: m.Data,
		})
	}
	return nil, s.Send(s.out)
}

// receive reads one datagram. The library may keep its messages.
func (s *socket) receive() (messages []nftnetlink.Message, err error) {
	b, err := s.Receive()
	if err != nil {
		return nil, err
	}
	b = bytes.Clone(b)
	for {
		m, rest, ok := netlink.NextMessage(b)
		if !ok {
			return messages, nil
		}
		messages = append(messages, nftnetlink.Message{Header: nftnetlink.Header{
			Length: uint32(unix.SizeofNlMsghdr + len(m.Data)), Type: nftnetlink.HeaderType(m.Type),
			Flags: nftnetlink.HeaderFlags(m.Flags), Sequence: m.Seq, PID: m.Port,
		}, Data: m.Data})
		b = rest
	}
}
