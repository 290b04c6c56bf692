package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// fullSpeed waits until the BFD sessions of both devices have the detection time that the
// limits assume. If a session has slowed down because this machine was late, fullSpeed
// configures its interval again. Otherwise the session would try the configured interval
// only after ten minutes.
func (d *demo) fullSpeed(ctx context.Context) error {
	return poll(ctx, healLimit, func() error {
		var errs []error
		for _, dev := range devices {
			errs = append(errs, d.hasFullSpeed(ctx, dev))
		}
		return errors.Join(errs...)
	})
}

func (d *demo) hasFullSpeed(ctx context.Context, dev string) error {
	var shown struct {
		Sessions []struct {
			Interval int     `json:"min-tx-interval-ms"`
			Detect   float64 `json:"detect-interval-ms"`
			SlowedTo float64 `json:"slowed-to-ms"`
			Because  string  `json:"slowed-because"`
		} `json:"sessions"`
	}
	if err := d.probes[dev].Display(ctx, "bfd session all verbose", &shown); err != nil {
		return err
	}
	for _, s := range shown.Sessions {
		if s.SlowedTo > 0 {
			d.say("BFD of device %s had slowed down to %v ms (%s): configured anew", dev, s.SlowedTo, s.Because)
			// The device ignores a configuration that does not change the interval.
			if err := errors.Join(d.setInterval(ctx, dev, s.Interval+1), d.setInterval(ctx, dev, s.Interval)); err != nil {
				return err
			}
		}
		if s.Detect != float64(detection())/float64(time.Millisecond) {
			return fmt.Errorf("BFD of device %s detects in %v ms and not in %v", dev, s.Detect, detection())
		}
	}
	return nil
}

func (d *demo) setInterval(ctx context.Context, dev string, millis int) error {
	return d.probes[dev].Configure(ctx, "bfd core", fmt.Sprintf("min-tx-interval %d", millis))
}
