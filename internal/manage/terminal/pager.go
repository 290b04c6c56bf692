package terminal

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	moreText = "  ---- More ----"
	clearRow = "\r\x1b[K"
)

// show prints text page by page: the space bar shows the next page, Enter the next line, q
// and Ctrl+C end it. If the user has typed ahead, or types text instead of these keys, show
// prints everything.
func (c *console) show(text string) error {
	c.printing.Lock()
	defer c.printing.Unlock()
	page, width := c.page()
	if c.keys.ahead() {
		page = 0 // keys that were typed ahead are not for the pager
	}
	head, rest := cutRows(text, page, width)
	for rest != "" {
		if _, err := io.WriteString(c.screen, strings.ReplaceAll(head, "\n", "\r\n")+moreText); err != nil {
			return fmt.Errorf("terminal: %w", err)
		}
		rows, err := c.more(page)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(c.screen, clearRow); err != nil {
			return fmt.Errorf("terminal: %w", err)
		}
		switch head = ""; rows {
		case 0:
			rest = ""
			continue
		case allRows:
			rows = 0
		}
		head, rest = cutRows(rest, rows, width)
	}
	_, err := io.WriteString(c.terminal, head)
	return err
}

// page returns how many rows are shown at a time, 0 for all.
func (c *console) page() (rows, width int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.last.ScreenLength < 0:
		return 0, c.size.Width
	case c.last.ScreenLength > 0:
		return c.last.ScreenLength, c.size.Width
	}
	return max(c.size.Height-1, 0), c.size.Width
}

// allRows means all rows.
const allRows = -1

// more waits for a key and returns how many rows to show next.
func (c *console) more(page int) (rows int, err error) {
	for {
		key, pasted, err := c.keys.answer()
		switch {
		case err != nil:
			return 0, err
		case pasted:
			return allRows, nil
		case key == ' ':
			return page, nil
		case key == '\r' || key == '\n':
			return 1, nil
		case key == 'q' || key == 'Q' || key == ctrlC:
			return 0, nil
		}
	}
}

// cutRows splits text after a number of rows of the screen. A long line takes several
// rows. 0 rows means all.
func cutRows(text string, rows, width int) (head, rest string) {
	if rows == 0 {
		return text, ""
	}
	at := 0
	for line := range strings.Lines(text) {
		if rows -= rowsOf(line, width); rows < 0 && at > 0 {
			return text[:at], text[at:]
		}
		at += len(line)
	}
	return text, ""
}

func rowsOf(line string, width int) int {
	length := utf8.RuneCountInString(strings.TrimSuffix(line, "\n"))
	if width <= 0 || length == 0 {
		return 1
	}
	return (length + width - 1) / width
}
