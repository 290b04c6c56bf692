package terminal

import (
	"context"
	"io"
)

// monitor begins to show events with a number above after, between the typed lines. nil
// ends the display.
func (c *console) monitor(after *uint64) {
	switch {
	case after != nil && c.silence == nil:
		ctx, stop := context.WithCancel(c.ctx)
		c.silence = stop
		go c.followLog(ctx, *after)
	case after == nil && c.silence != nil:
		c.silence()
		c.silence = nil
	}
}

func (c *console) followLog(ctx context.Context, last uint64) {
	for {
		records, err := c.dialogue.Follow(ctx, last)
		if err != nil {
			return // the next typed line shows the error
		}
		last = records.Last
		c.printing.Lock()
		c.mu.Lock()
		io.WriteString(c.terminal, records.Text)
		c.mu.Unlock()
		c.printing.Unlock()
	}
}
