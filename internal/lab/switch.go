package lab

import (
	"fmt"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/links"
)

// lagSwitch acts as the LAG of the access switch. Its two legs are ports of a bridge. The
// bridge floods packets from a leg to the hosts. Packets from a host go to one leg, by a hash
// of the host's hardware address. When a leg loses its carrier, all hosts use the other one.
type lagSwitch struct {
	monitor *links.Monitor
	nft     *nftables.Conn
	table   *nftables.Table
	chain   *nftables.Chain
	done    sync.WaitGroup

	mu      sync.Mutex
	up      map[string]bool // carrier of the leg to each device
	changed func(device string, up bool)
	err     error
}

// hashSeed distributes the eight hosts evenly: 1, 4, 5 and 8 use the leg of device a.
const hashSeed = 19

// legBucket returns the hash value of the hosts that use the leg of a device.
func legBucket(device string) uint32 {
	if device == deviceA {
		return 0
	}
	return 1
}

// startSwitch starts the forwarding of the access switch. After it has reacted to a leg
// that went up or down, it calls changed on a goroutine of its own.
func startSwitch(t *topology, changed func(device string, up bool)) (*lagSwitch, error) {
	ns := t.spaces["ce"]
	nft, err := nftables.New(nftables.WithNetNSFd(ns.FD()), nftables.AsLasting())
	if err != nil {
		return nil, fmt.Errorf("switch: %w", err)
	}
	monitor, err := links.WatchIn(ns.Do)
	if err != nil {
		_ = nft.CloseLasting()
		return nil, fmt.Errorf("switch: %w", err)
	}
	s := &lagSwitch{monitor: monitor, nft: nft, up: make(map[string]bool), changed: changed}
	s.table = nft.AddTable(&nftables.Table{Family: nftables.TableFamilyBridge, Name: "lag"})
	s.chain = nft.AddChain(&nftables.Chain{
		Name: "forward", Table: s.table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter,
	})
	// The first read returns the existing links at once.
	if err := s.follow(); err != nil {
		s.close()
		return nil, err
	}
	s.done.Go(s.run)
	return s, nil
}

func (s *lagSwitch) run() {
	for {
		if err := s.follow(); err != nil {
			s.mu.Lock()
			s.err = err
			s.mu.Unlock()
			return
		}
	}
}

// follow waits for changes of links and steers the hosts accordingly.
func (s *lagSwitch) follow() error {
	list, err := s.monitor.Read()
	if err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	var moved []string
	s.mu.Lock()
	for _, l := range list {
		for _, d := range devices {
			if l.Name == legPort(d) && s.up[d] != l.Up {
				s.up[d] = l.Up
				moved = append(moved, d)
			}
		}
	}
	up := map[string]bool{deviceA: s.up[deviceA], deviceB: s.up[deviceB]}
	s.mu.Unlock()
	if len(moved) == 0 {
		return nil
	}
	if err := s.steer(up); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	for _, d := range moved {
		s.changed(d, up[d])
	}
	return nil
}

// steer replaces the rules in one transaction. With only one leg no rule is needed, because the
// bridge does not send to a port without carrier.
func (s *lagSwitch) steer(up map[string]bool) error {
	s.nft.FlushChain(s.chain)
	if up[deviceA] && up[deviceB] {
		for _, d := range devices {
			s.nft.AddRule(&nftables.Rule{Table: s.table, Chain: s.chain, Exprs: refuseOthers(d)})
		}
	}
	return s.nft.Flush()
}

// refuseOthers drops packets to the leg of a device from hosts that use the other leg.
func refuseOthers(device string) []expr.Any {
	const first, hash = unix.NFT_REG_1, unix.NFT_REG_2
	exprs := outOf(legPort(device))
	return append(exprs,
		// ether saddr
		&expr.Payload{Base: expr.PayloadBaseLLHeader, Offset: 6, Len: 6, DestRegister: first},
		&expr.Hash{SourceRegister: first, DestRegister: hash, Length: 6, Modulus: 2, Seed: hashSeed, Type: expr.HashTypeJenkins},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: hash, Data: nativeUint32(legBucket(device))},
		&expr.Verdict{Kind: expr.VerdictDrop},
	)
}

// close stops following the legs. The last rules remain until the namespace is deleted.
func (s *lagSwitch) close() error {
	s.monitor.Close()
	s.done.Wait()
	return s.nft.CloseLasting()
}
