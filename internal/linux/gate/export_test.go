package gate

import (
	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

// Fail sends a request, leaves its answer unread, and then handles an error as every method
// does.
func (g *Gate) Fail() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.socket.Send(netlink.AppendMessage(nil, netlink.Message{
		Type:  unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETTABLE,
		Flags: unix.NLM_F_REQUEST | unix.NLM_F_DUMP, Data: make([]byte, 4),
	}))
	if err != nil {
		return err
	}
	_ = g.failed("on purpose", nil)
	return nil
}
