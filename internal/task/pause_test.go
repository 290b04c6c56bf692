package task

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		if !Pause(ctx, time.Second) || time.Since(began) != time.Second {
			t.Errorf("a pause of %v, or it was cut short", time.Since(began))
		}
		time.AfterFunc(time.Second, cancel)
		if Pause(ctx, time.Minute) || time.Since(began) != 2*time.Second {
			t.Errorf("a pause outlasts its context: %v", time.Since(began))
		}
		if Pause(ctx, 0) {
			t.Error("a pause goes on though its context has ended")
		}
	})
}
