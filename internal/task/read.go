package task

import (
	"context"
	"errors"
	"net"
	"os"
	"time"
)

// readPause is the pause after a failed read.
const readPause = 100 * time.Millisecond

// ReadAgain reports whether a reader should go on after an error. It should not if its
// source was closed or handed over (which sets the deadline of the source), or if ctx has
// ended. Any other error is passed to tell, and ReadAgain pauses and returns true: a
// passing error of the kernel, such as lack of memory, must not end the reception for
// good.
func ReadAgain(ctx context.Context, err error, tell func(error)) bool {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	tell(err)
	return Pause(ctx, readPause)
}
