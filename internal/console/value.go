package console

import (
	"fmt"
	"strings"
	"time"

	"tandem/internal/state"
)

// textValue returns the text of a value, for people.
func (s *sheet) textValue(value any) string {
	switch v := value.(type) {
	case nil:
		return s.empty
	case time.Duration:
		return state.Clock(v)
	case time.Time:
		return v.Format(time.DateTime)
	case state.Timer:
		if v <= 0 {
			return "off"
		}
		return state.Clock(time.Duration(v))
	case state.Interval:
		return fmt.Sprintf("%g s", time.Duration(v).Seconds())
	case state.Index:
		return fmt.Sprintf("0x%x", int(v))
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []string:
		if len(v) == 0 {
			return s.empty
		}
		return strings.Join(v, " ")
	}
	return fmt.Sprint(value)
}
