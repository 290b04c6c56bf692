package proof

import "tandem/internal/instant"

// Verdict is the result of measurements.
type Verdict uint8

// Verdicts. The zero value means that nothing has been measured.
const (
	Unproven Verdict = iota // no measurement has shown whether it works
	Proven                  // measurements have shown that it works
	Refuted                 // measurements have shown that it does not work
)

func (v Verdict) String() string { return [...]string{"not measured", "yes", "no"}[v] }

// Standing is a verdict, its cause, and since when both have not changed.
type Standing struct {
	Verdict Verdict
	Cause   string // in words, empty if the verdict is Proven
	Since   instant.Time
}

// Note records the present verdict and its cause. Since keeps its value if neither has
// changed.
func (s *Standing) Note(now instant.Time, v Verdict, cause string) {
	if s.Verdict != v || s.Cause != cause || !s.Since.IsSet() {
		*s = Standing{v, cause, now}
	}
}

// NoteCause records the verdict Refuted with this cause, or Proven if the cause is empty.
func (s *Standing) NoteCause(now instant.Time, cause string) {
	if cause == "" {
		s.Note(now, Proven, "")
		return
	}
	s.Note(now, Refuted, cause)
}

// Worse reports whether s needs attention more than o does: Refuted is worse than
// Unproven, and Unproven is worse than Proven.
func (s *Standing) Worse(o *Standing) bool { return weight[s.Verdict] > weight[o.Verdict] }

var weight = [...]int{Unproven: 1, Proven: 0, Refuted: 2}
