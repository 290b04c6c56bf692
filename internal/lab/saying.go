package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// saying is a text that a display of a device must contain during a fault.
type saying struct{ device, display, text string }

// The displays that operators look at first.
const (
	alarms = "alarm active"
	logs   = "logbuffer"
	duties = "e-trunk 1"
)

// says returns the sayings of one device in one display.
func says(device, display string, texts ...string) (list []saying) {
	for _, text := range texts {
		list = append(list, saying{device, display, text})
	}
	return list
}

// bothAlarm returns the saying that both devices have an alarm.
func bothAlarm(name string) []saying {
	return []saying{{deviceA, alarms, name}, {deviceB, alarms, name}}
}

// sayLimit is how soon a device must display a fault.
var sayLimit = pace.stretch(2 * time.Second)

// lines returns the lines of the display that contain the text, with single spaces.
func (s saying) lines(ctx context.Context, d *demo) (found []string, err error) {
	shown, err := d.probes[s.device].Exec(ctx, "display "+s.display)
	for line := range strings.Lines(shown) {
		if line = strings.Join(strings.Fields(line), " "); strings.Contains(line, s.text) {
			found = append(found, line)
		}
	}
	return found, err
}

// before returns how often each text is displayed before a fault. It waits until the
// alarms of earlier faults have ended. A device whose daemon does not run displays
// nothing.
func (d *demo) before(ctx context.Context, list []saying) (map[saying]int, error) {
	count := make(map[saying]int)
	for _, s := range list {
		err := poll(ctx, healLimit, func() error {
			found, err := s.lines(ctx, d)
			if count[s] = len(found); err == nil && len(found) > 0 && s.display == alarms {
				err = fmt.Errorf("device %s has the alarm still: %s", s.device, strings.Join(found, "; "))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return count, nil
}

// hears waits until each text is displayed more often than before.
func (d *demo) hears(ctx context.Context, list []saying, before map[saying]int) (shown []string, err error) {
	began := time.Now()
	for _, s := range list {
		failed := poll(ctx, sayLimit, func() error {
			found, err := s.lines(ctx, d)
			if err == nil && len(found) <= before[s] {
				err = fmt.Errorf("device %s, display %s: %q is not there", s.device, s.display, s.text)
			}
			if err == nil {
				d.say("device %s, display %s, after %.1f s: %s", s.device, s.display, time.Since(began).Seconds(), found[len(found)-1])
			}
			return err
		})
		if failed == nil {
			shown = append(shown, s.device+": "+s.text)
		}
		err = errors.Join(err, failed)
	}
	return shown, err
}
