package device

import (
	"net/netip"

	"tandem/internal/instant"
	"tandem/internal/mld"
)

// upstream is who brings the streams that listeners want. The MLD proxy is the only one so
// far. Routes, readiness and announcements know no more of it than this.
type upstream interface {
	// incoming returns the Linux interface by which a stream comes in, empty when nobody
	// brings it. When the answer changes, the routes must be told.
	incoming(sg SourceGroup) string
	// want joins what listeners want of a group, and leaves what they do not want.
	want(now instant.Time, group netip.Addr, filter mld.Filter)
	// exists reports whether there is any upstream interface.
	exists() bool
	// isUp reports whether streams can come in.
	isUp() bool
	// unable names what keeps the interfaces by which they come in from their work though they
	// are up, empty when nothing does.
	unable() string
	// joining reports whether joins wait to be sent. When the answer
	// changes, the implementation puts the duty stage on the agenda.
	joining() bool
	// reportAll says again what is joined.
	reportAll(now instant.Time)
}

var _ upstream = (*proxy)(nil)
