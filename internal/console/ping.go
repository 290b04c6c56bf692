package console

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"tandem/internal/command"
	"tandem/internal/echo"
)

// VRP's defaults of `ping ipv6`.
const (
	pingCount    = 5
	pingSize     = 56
	pingInterval = 500 * time.Millisecond
	pingTimeout  = 2 * time.Second
)

func pingCommand() command.Command[*Session] {
	return action(userView, "ping ipv6 [ -a <source:unicast> | -c <requests:1..100> | -i <interface> | -m <interval:1..10000> | "+
		"-s <size:8..8100> | -t <timeout:1..10000> ] * <host:ipv6>", "Ask an address for an echo", ping)
}

func ping(s *Session, a command.Args) error {
	p := echo.Request{Destination: a.Addr("host"), Source: a.Addr("source"), Interface: wantedInterface(a),
		Count: option(a, "requests", pingCount), Size: option(a, "size", pingSize),
		Interval: time.Duration(option(a, "interval", int(pingInterval/time.Millisecond))) * time.Millisecond,
		Timeout:  time.Duration(option(a, "timeout", int(pingTimeout/time.Millisecond))) * time.Millisecond}
	fmt.Fprintf(&s.printed, "  PING %v : %d  data bytes, press CTRL_C to break\n", p.Destination, p.Size)
	var times []time.Duration
	sent := 0
	err := s.sys.Backend.Ping(s.ctx, p, func(r echo.Reply) {
		sent++
		switch {
		case r.Err == nil:
			times = append(times, r.RTT)
			fmt.Fprintf(&s.printed, "    Reply from %v\n    bytes=%d Sequence=%d hop limit=%d time=%.2f ms\n", r.From, r.Size, r.Sequence, r.HopLimit, ms(r.RTT))
		case errors.Is(r.Err, os.ErrDeadlineExceeded):
			fmt.Fprintf(&s.printed, "    Request time out\n")
		default:
			fmt.Fprintf(&s.printed, "    %v\n", r.Err)
		}
	})
	if err != nil && s.ctx.Err() == nil {
		return err
	}
	s.pingStatistics(p.Destination, sent, times)
	return nil
}

func (s *Session) pingStatistics(host netip.Addr, sent int, times []time.Duration) {
	fmt.Fprintf(&s.printed, "\n  ---%v ping statistics---\n    %d packet(s) transmitted\n    %d packet(s) received\n    %.2f%% packet loss\n",
		host, sent, len(times), 100*float64(sent-len(times))/float64(max(sent, 1)))
	if len(times) == 0 {
		return
	}
	least, sum, most := times[0], time.Duration(0), times[0]
	for _, t := range times {
		least, sum, most = min(least, t), sum+t, max(most, t)
	}
	fmt.Fprintf(&s.printed, "    round-trip min/avg/max=%.2f/%.2f/%.2f ms\n", ms(least), ms(sum/time.Duration(len(times))), ms(most))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// option returns an integer parameter, or the default if the line does not contain it.
func option(a command.Args, name string, otherwise int) int {
	if a.Has(name) {
		return int(a.Uint(name))
	}
	return otherwise
}
