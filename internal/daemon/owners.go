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

// owners are the parts of a daemon with state of their own, side by side. All of it
// belongs to whoever has the turn of loop, where the owner does not say otherwise.
type owners struct {
	opts Options
	loop *eventloop.Loop
	// tasks has all goroutines but those in readers. These read what can be handed to a
	// successor; they end at a hand-over, when they have told what they have read.
	tasks, readers *task.Group

	router   *router
	netif    *netif.Owner
	links    *netif.Links // those that netif knows
	routing  *multicast.Routing
	bfd      *bfdsession.Sessions
	hellos   *hello.Sockets
	channels *channel.Channels
	board    status.Board

	model       *config.Model // in force
	predecessor *predecessor  // as far as it has not been taken over yet
	ending      ending
}
