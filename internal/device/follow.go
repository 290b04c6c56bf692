package device

import (
	"tandem/internal/instant"
	"tandem/internal/mld"
)

// follow implements [followers]: it passes changes of the records to routes, replication
// and exceptions.
type follow struct {
	*routing
	*exceptions
}

// replicate implements [followers].
func (f follow) replicate(now instant.Time, ifc *downstream, changed []mld.Key) {
	if ifc.service == nil {
		return
	}
	for _, key := range changed {
		ifc.service.core.Dirty(now, ifc.ledger.key(key))
	}
}
