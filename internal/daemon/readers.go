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
