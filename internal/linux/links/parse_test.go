package links

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
)

func TestParseAddress(t *testing.T) {
	own, peer := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	tests := map[string]struct {
		attrs func(*netlink.Attributes)
		want  address
	}{
		"plain": {
			func(add *netlink.Attributes) { add.Bytes(unix.IFA_ADDRESS, own.AsSlice()) },
			address{7, netip.PrefixFrom(own, 64), usable},
		},
		"point to point": {
			func(add *netlink.Attributes) {
				add.Bytes(unix.IFA_ADDRESS, peer.AsSlice())
				add.Bytes(unix.IFA_LOCAL, own.AsSlice())
			},
			address{7, netip.PrefixFrom(own, 64), usable},
		},
		"tentative": {
			func(add *netlink.Attributes) {
				add.Bytes(unix.IFA_ADDRESS, own.AsSlice())
				add.Uint32(unix.IFA_FLAGS, unix.IFA_F_TENTATIVE|unix.IFA_F_PERMANENT)
			},
			address{7, netip.PrefixFrom(own, 64), tentative},
		},
		"duplicate": {
			func(add *netlink.Attributes) {
				add.Bytes(unix.IFA_ADDRESS, own.AsSlice())
				add.Uint32(unix.IFA_FLAGS, unix.IFA_F_DADFAILED)
			},
			address{7, netip.PrefixFrom(own, 64), duplicate},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := ifAddr{family: unix.AF_INET6, bits: 64, index: 7}.encode(tt.attrs)
			if got, err := parseAddress(b); err != nil || got != tt.want {
				t.Errorf("parseAddress = %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	link := ifInfo{index: 3, flags: running}.encode(func(add *netlink.Attributes) {
		add.String(unix.IFLA_IFNAME, "eth-trunk10")
		add.Uint32(unix.IFLA_MTU, 1500)
	})
	addr := ifAddr{family: unix.AF_INET6, bits: 64, index: 3}.encode(func(add *netlink.Attributes) {
		add.Bytes(unix.IFA_ADDRESS, make([]byte, 16))
	})
	f.Add(link)
	f.Add(addr)
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseAddress(b); err == nil && a.condition == usable && !a.prefix.IsValid() {
			t.Errorf("usable but not valid: %+v", a)
		}
		if name, _, ok := parseCounters(b); ok && name == "" {
			t.Error("counters of nothing")
		}
		if l, _, err := parseLink(b); err == nil && l.Up && !l.AdminUp {
			t.Errorf("up but not enabled: %+v", l)
		}
	})
}
