package device

import (
	"net/netip"

	"tandem/internal/instant"
	"tandem/internal/mld"
)

// upstream is the seam to what brings the streams that listeners want. The MLD proxy is
// the only implementation so far. Routes, readiness and announcements use only this
// interface.
type upstream interface {
	// incoming returns the Linux interface by which a stream comes in, empty if there is
	// none. When the result changes, the implementation must have the routes computed
	// again.
	incoming(sg SourceGroup) string
	// want joins what listeners want of a group, and leaves the rest.
	want(now instant.Time, group netip.Addr, filter mld.Filter)
	// exists reports whether there is any upstream interface.
	exists() bool
	// isUp reports whether the upstream interface is up, so that streams can come in.
	isUp() bool
	// unable returns what keeps the upstream interface from working although it is up, in
	// words; empty if nothing does.
	unable() string
	// joining reports whether joins wait to be sent. When the answer
	// changes, the implementation puts the duty stage on the agenda.
	joining() bool
	// reportAll reports upstream again all that is joined.
	reportAll(now instant.Time)
}

var _ upstream = (*proxy)(nil)
