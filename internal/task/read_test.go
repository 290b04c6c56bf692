package task

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []error
		tell := func(err error) { told = append(told, err) }
		for _, end := range []error{net.ErrClosed, os.ErrClosed, os.ErrDeadlineExceeded} {
			if ReadAgain(t.Context(), fmt.Errorf("read: %w", end), tell) || told != nil {
				t.Errorf("%v: read again, told %v", end, told)
			}
		}
		began := time.Now()
		if !ReadAgain(t.Context(), syscall.ENOBUFS, tell) || time.Since(began) != readPause {
			t.Errorf("not read again, after %v", time.Since(began))
		}
		if len(told) != 1 || !errors.Is(told[0], syscall.ENOBUFS) {
			t.Errorf("told %v", told)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if began = time.Now(); ReadAgain(ctx, syscall.ENOBUFS, tell) || time.Since(began) != 0 {
			t.Errorf("read again after the end, or after %v", time.Since(began))
		}
	})
}
