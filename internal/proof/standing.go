package proof

import "tandem/internal/instant"

// Verdict is what measurements have shown.
type Verdict uint8

// Verdicts. The zero value says that nothing has been measured.
const (
	Unproven Verdict = iota // nothing was measured that would show it
	Proven                  // it works
	Refuted                 // it does not work
)

func (v Verdict) String() string { return [...]string{"not measured", "yes", "no"}[v] }

// Standing is a verdict, its cause, and since when both hold.
type Standing struct {
	Verdict Verdict
	Cause   string // in words, empty if the verdict is Proven
	Since   instant.Time
}

// Note takes the present verdict. Since stays if neither the verdict nor the cause has changed.
func (s *Standing) Note(now instant.Time, v Verdict, cause string) {
	if s.Verdict != v || s.Cause != cause || !s.Since.IsSet() {
		*s = Standing{v, cause, now}
	}
}

// NoteCause notes that something is refuted by a cause, or proven if the cause is empty.
func (s *Standing) NoteCause(now instant.Time, cause string) {
	if cause == "" {
		s.Note(now, Proven, "")
		return
	}
	s.Note(now, Refuted, cause)
}

// Worse reports whether s is more in need of attention than o: what is refuted comes before
// what is not measured, and that before what is proven.
func (s *Standing) Worse(o *Standing) bool { return weight[s.Verdict] > weight[o.Verdict] }

var weight = [...]int{Unproven: 1, Proven: 0, Refuted: 2}
