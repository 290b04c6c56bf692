package proof

import "testing"

func TestAble(t *testing.T) {
	tests := map[string]struct {
		able     Able
		want     Lack
		mendable bool
	}{
		"whole":                        {Able{MTU: 1500, LinkLocal: true}, LacksNothing, false},
		"least MTU":                    {Able{MTU: 1280, LinkLocal: true}, LacksNothing, false},
		"one address of two is usable": {Able{MTU: 1500, LinkLocal: true, Duplicate: true, Tentative: true}, LacksNothing, false},
		"an address shows that IPv6 is on, whatever was told before": {Able{MTU: 1500, LinkLocal: true, NoIPv6: true}, LacksNothing, false},
		"small MTU":                    {Able{MTU: 1279, NoIPv6: true}, LacksMTU, false},
		"disabled":                     {Able{MTU: 1500, NoIPv6: true}, LacksIPv6, false},
		"tentative":                    {Able{MTU: 1500, Tentative: true}, LacksDetection, false},
		"one duplicate, one tentative": {Able{MTU: 1500, Tentative: true, Duplicate: true}, LacksDetection, false},
		"duplicate":                    {Able{MTU: 1500, Duplicate: true}, LacksUnique, true},
		"no address":                   {Able{MTU: 1500}, LacksLinkLocal, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.able.Lack()
			if got != tt.want || got.Mendable() != tt.mendable {
				t.Errorf("lacks %q, mendable %v; want %q, %v", got, got.Mendable(), tt.want, tt.mendable)
			}
			if got.Mute() != (got != LacksNothing) {
				t.Errorf("%v: mute %v", got, got.Mute())
			}
			if (got.String() == "") != (got == LacksNothing) {
				t.Errorf("%d is called %q", got, got)
			}
		})
	}
}

// TestLeavingIsNotMute: a device whose forwarded packets are lost can still send queries.
func TestLeavingIsNotMute(t *testing.T) {
	if LacksLeaving.Mute() || !LacksSending.Mute() {
		t.Error("who can send is mute, or who cannot is not")
	}
}
