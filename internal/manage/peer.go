package manage

import (
	"context"
	"fmt"
	"net"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"

	"tandem/internal/console"
)

// peer is the process at the other end of the socket. The kernel guarantees these values.
type peer struct {
	PID      int32
	UID, GID uint32
}

func (p peer) String() string { return fmt.Sprintf("uid %d pid %d", p.UID, p.PID) }

// name returns the user's name, or the user's number if there is no name.
func (p peer) name() string {
	id := strconv.FormatUint(uint64(p.UID), 10)
	u, err := user.LookupId(id)
	if err != nil {
		return "uid " + id
	}
	return u.Username
}

// login returns the login of a peer. A peer that may connect may use all commands.
func (p peer) login(interactive bool) console.Login {
	return console.Login{User: p.name(), Source: fmt.Sprintf("console pid %d", p.PID), Level: console.Configuration, Interactive: interactive}
}

// peerOf asks the kernel which process has connected.
func peerOf(c net.Conn) (peer, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return peer{}, fmt.Errorf("connection is %T, not a local socket", c)
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return peer{}, fmt.Errorf("peer credentials: %w", err)
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return peer{}, fmt.Errorf("peer credentials: %w", err)
	}
	if credErr != nil {
		return peer{}, fmt.Errorf("peer credentials: %w", credErr)
	}
	return peer{PID: cred.Pid, UID: cred.Uid, GID: cred.Gid}, nil
}

type peerKey struct{}

// withPeer stores the peer in a context, for [peerFrom].
func withPeer(ctx context.Context, p peer) context.Context {
	return context.WithValue(ctx, peerKey{}, p)
}

// peerFrom returns the peer of a request. It returns false if the kernel has not
// identified the peer.
func peerFrom(ctx context.Context) (peer, bool) {
	p, ok := ctx.Value(peerKey{}).(peer)
	return p, ok
}
