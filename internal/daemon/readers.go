package daemon

import (
	"context"

	"tandem/internal/event"
	"tandem/internal/task"
)

// mayReadOn reports whether to go on reading after an error, see [task.ReadAgain].
func (d *Daemon) mayReadOn(ctx context.Context, what string, err error) bool {
	return task.ReadAgain(ctx, err, func(err error) { d.emit(event.SocketFailed.With(what, err)) })
}

// readLinks takes note of the links that come, change and go.
func (d *Daemon) readLinks(ctx context.Context) error {
	for {
		changed, err := d.monitor.Read()
		if err != nil {
			if d.mayReadOn(ctx, "link monitor", err) {
				continue
			}
			return nil
		}
		if d.turn(func() { d.linksChanged(changed) }) != nil {
			return nil
		}
	}
}
