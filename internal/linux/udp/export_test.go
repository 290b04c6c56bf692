package udp

import "net/netip"

// Local is the bound address with the port in use.
func (s *Socket) Local() netip.AddrPort { return s.local }
