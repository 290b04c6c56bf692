package task

import (
	"context"
	"errors"
	"net"
	"os"
	"time"
)

// readPause is the pause before what could not be read is tried again.
const readPause = 100 * time.Millisecond

// ReadAgain reports whether a reader is to go on after an error. It is not when what it
// reads was closed or was handed over, for which its deadline is set, nor when ctx has
// ended. Any other error is told, and after a pause the reader goes on: what the kernel
// says for a moment, as when it has no memory, must not make a program deaf for good.
func ReadAgain(ctx context.Context, err error, tell func(error)) bool {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	tell(err)
	return Pause(ctx, readPause)
}
