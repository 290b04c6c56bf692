package gate

import (
	"bytes"
	"encoding/binary"

	nftnetlink "github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// batchBuffer is the room for the largest transaction, in bytes: about 100,000 exceptions.
// With less room fewer exceptions could change at once.
const batchBuffer = 16 << 20

// socket is a netlink connection to nftables. The nftables library uses it in place of its
// own, which is slower. This socket is the owner of a protected table.
type socket struct {
	*netlink.Conn
	protection Protection // the protection for tables that are made
	out        []byte
}

func newSocket(conn *netlink.Conn) *socket {
	conn.SetBuffers(batchBuffer)
	return &socket{Conn: conn}
}

// exchange replaces the socket of the library. With messages it sends them; without
// messages it returns the next answer.
func (s *socket) exchange(request []nftnetlink.Message) ([]nftnetlink.Message, error) {
	if len(request) == 0 {
		return s.receive()
	}
	s.out = s.out[:0]
	for _, m := range request {
		h := m.Header
		s.out = netlink.AppendMessage(s.out, netlink.Message{
			Type: uint16(h.Type), Flags: uint16(h.Flags), Seq: h.Sequence, Port: h.PID, Data: s.amend(m),
		})
	}
	return nil, s.Send(s.out)
}

// amend returns the body of a message. If the message makes a table, amend adds the flags
// of the protection. The library sends flags 0, and the kernel refuses to change the flags
// of an existing table.
func (s *socket) amend(m nftnetlink.Message) []byte {
	if m.Header.Type != unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWTABLE {
		return m.Data
	}
	table := netlink.Attributes(bytes.Clone(m.Data[:head]))
	table.String(unix.NFTA_TABLE_NAME, TableName)
	if flags := s.protection.flags(); flags != 0 && m.Header.Flags&unix.NLM_F_EXCL != 0 {
		table.Bytes(unix.NFTA_TABLE_FLAGS, binary.BigEndian.AppendUint32(nil, flags))
	}
	return table
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
