package daemon

import (
	"tandem/internal/config"
	"tandem/internal/daemon/bfdsession"
	"tandem/internal/daemon/channel"
	"tandem/internal/daemon/eventloop"
	"tandem/internal/daemon/hello"
	"tandem/internal/daemon/multicast"
	"tandem/internal/daemon/netif"
	"tandem/internal/status"
	"tandem/internal/task"
)

// owners are the parts of a daemon that have state of their own. Only the goroutine that has
// the turn of loop may use them, unless the owner says otherwise.
type owners struct {
	opts Options
	loop *eventloop.Loop
	// tasks has all goroutines except those in readers. The readers read the sockets that
	// can be handed to a successor. At a hand-over they end first, after they have passed
	// on what they have read.
	tasks, readers *task.Group

	router   *router
	netif    *netif.Owner
	links    *netif.Links // the links of netif
	routing  *multicast.Routing
	bfd      *bfdsession.Sessions
	hellos   *hello.Sockets
	channels *channel.Channels
	board    status.Board

	model       *config.Model // the configuration in force
	predecessor *predecessor  // the state of the predecessor that has not been taken over yet
	ending      ending
}
