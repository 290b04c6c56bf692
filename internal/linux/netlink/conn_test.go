package netlink

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// answered returns a connection to a simulated kernel. The function answer returns the
// datagrams for each request. Messages without a sequence number get that of the request.
func answered(t *testing.T, answer func(request Message) [][]Message) *Conn {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	kernel := newConn(pair[1])
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			b, err := kernel.Receive()
			if errors.Is(err, os.ErrDeadlineExceeded) {
				continue
			}
			if err != nil || len(b) == 0 {
				return
			}
			request, _, _ := NextMessage(b)
			for _, datagram := range answer(request) {
				var out []byte
				for _, m := range datagram {
					if m.Seq == 0 {
						m.Seq = request.Seq
					}
					out = AppendMessage(out, m)
				}
				_ = kernel.Send(out)
			}
		}
	}()
	c := newConn(pair[0])
	t.Cleanup(func() {
		c.Close()
		<-ended
		kernel.Close()
	})
	return c
}

// part is a message of a list.
func part(text string, flags uint16) Message {
	return Message{Type: unix.RTM_NEWLINK, Flags: unix.NLM_F_MULTI | flags, Data: []byte(text)}
}

var done = Message{Type: unix.NLMSG_DONE, Flags: unix.NLM_F_MULTI, Data: make([]byte, 4)}

// TestInterruptedList: List asks again if a list was interrupted by changes.
func TestInterruptedList(t *testing.T) {
	var asked atomic.Int32
	c := answered(t, func(request Message) [][]Message {
		if request.Flags != unix.NLM_F_REQUEST|unix.NLM_F_DUMP {
			t.Errorf("flags %#x", request.Flags)
		}
		if asked.Add(1) == 1 {
			return [][]Message{{part("one", 0), part("two", unix.NLM_F_DUMP_INTR)}, {done}}
		}
		return [][]Message{{part("one", 0), part("two", 0)}, {part("three", 0)}, {done}}
	})
	list, err := c.List(unix.RTM_GETLINK, nil)
	if err != nil || len(list) != 3 || asked.Load() != 2 {
		t.Fatalf("%d objects after %d lists, %v", len(list), asked.Load(), err)
	}
	for i, want := range []string{"one", "two", "three"} {
		if string(list[i].Data) != want {
			t.Errorf("object %d is %q, want %q", i, list[i].Data, want)
		}
	}
}

// TestEndlessChange: List returns an error if every list is interrupted.
func TestEndlessChange(t *testing.T) {
	c := answered(t, func(Message) [][]Message { return [][]Message{{part("one", unix.NLM_F_DUMP_INTR), done}} })
	if list, err := c.List(unix.RTM_GETLINK, nil); err == nil {
		t.Errorf("a list of %d objects", len(list))
	}
}

// TestLateAnswer: messages of an earlier request are not taken as the answer.
func TestLateAnswer(t *testing.T) {
	c := answered(t, func(request Message) [][]Message {
		late := Message{Type: unix.NLMSG_ERROR, Seq: request.Seq + 7, Data: make([]byte, 20)}
		return [][]Message{{late}, {{Type: unix.RTM_NEWLINK, Data: []byte("right")}}}
	})
	var got string
	if err := c.Ask(unix.RTM_GETLINK, 0, nil, func(m Message) { got += string(m.Data) }); err != nil || got != "right" {
		t.Errorf("answer %q, %v", got, err)
	}
}

// TestRefusal: an error contains the errno and the explanation of the kernel.
func TestRefusal(t *testing.T) {
	code := binary.NativeEndian.AppendUint32(nil, uint32(0xffffffff-uint32(unix.EINVAL)+1))
	var words Attributes
	words.Uint32(unix.NLMSGERR_ATTR_OFFS, 20)
	words.String(unix.NLMSGERR_ATTR_MSG, "no such thing")
	request := AppendMessage(nil, Message{Type: unix.RTM_NEWLINK, Data: make([]byte, 8)})
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for name, tt := range map[string]struct {
		answer Message
		text   string
	}{
		"plain":   {Message{Type: unix.NLMSG_ERROR, Data: join(code, request)}, ""},
		"in full": {Message{Type: unix.NLMSG_ERROR, Flags: unix.NLM_F_ACK_TLVS, Data: join(code, request, words)}, "no such thing"},
		"capped": {Message{
			Type: unix.NLMSG_ERROR, Flags: unix.NLM_F_ACK_TLVS | unix.NLM_F_CAPPED, Data: join(code, request[:16], words),
		}, "no such thing"},
		"of a list": {Message{Type: unix.NLMSG_DONE, Flags: unix.NLM_F_MULTI | unix.NLM_F_ACK_TLVS, Data: join(code, words)}, "no such thing"},
		"cut short": {Message{Type: unix.NLMSG_ERROR, Flags: unix.NLM_F_ACK_TLVS, Data: join(code, request[:16])}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := answered(t, func(Message) [][]Message { return [][]Message{{tt.answer}} })
			err := c.Do(unix.RTM_NEWLINK, 0, nil)
			var refusal *Error
			if !errors.Is(err, unix.EINVAL) || !errors.As(err, &refusal) || refusal.Text != tt.text {
				t.Errorf("error %v, want EINVAL and %q", err, tt.text)
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	c := answered(t, func(Message) [][]Message { return nil })
	if err := c.Do(unix.RTM_NEWLINK, 0, nil); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("without an answer: %v", err)
	}
}

func TestClosed(t *testing.T) {
	c, err := Open(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(unix.RTM_NEWLINK, 0, nil); !errors.Is(err, unix.EBADF) {
		t.Errorf("after Close: %v", err)
	}
}
