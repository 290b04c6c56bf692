package links

import (
	"testing"

	"github.com/mdlayher/netlink"
	"github.com/mdlayher/netlink/nltest"
	"golang.org/x/sys/unix"
)

// TestInterruptedList: a list that lacks a link, since others changed meanwhile, is not believed.
func TestInterruptedList(t *testing.T) {
	message := func(index int, flags netlink.HeaderFlags) netlink.Message {
		b, err := ifInfo{index: index}.encode(func(ae *netlink.AttributeEncoder) { ae.String(unix.IFLA_IFNAME, "up0") })
		if err != nil {
			t.Fatal(err)
		}
		return netlink.Message{Header: netlink.Header{Type: unix.RTM_NEWLINK, Flags: netlink.Multi | flags}, Data: b}
	}
	asked := 0
	h := &Handle{conn: nltest.Dial(func(req []netlink.Message) ([]netlink.Message, error) {
		list := []netlink.Message{message(1, 0), message(2, 0), {}}
		if asked++; asked == 1 {
			list = []netlink.Message{message(1, netlink.DumpInterrupted), {}}
		}
		for i := range list {
			list[i].Header.Sequence, list[i].Header.PID = req[0].Header.Sequence, req[0].Header.PID
		}
		return nltest.Multipart(list)
	})}
	defer h.Close()
	if msgs, err := h.linkMessages(); err != nil || len(msgs) != 2 || asked != 2 {
		t.Errorf("%d links after %d lists, %v", len(msgs), asked, err)
	}
}
