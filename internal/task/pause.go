package task

import (
	"context"
	"time"
)

// Pause waits for d. It reports false when ctx ends meanwhile, or has ended before.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return ctx.Err() == nil
}
