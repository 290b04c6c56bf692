package udp

import "net/netip"

// Local returns the bound address and port.
func (s *Socket) Local() netip.AddrPort { return s.local }
