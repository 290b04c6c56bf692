package packet

import "testing"

func TestHasRouterAlert(t *testing.T) {
	tests := map[string]struct {
		header []byte
		want   bool
	}{
		"as we send it":        {[]byte{58, 0, 5, 2, 0, 0, 1, 0}, true},
		"padding first":        {[]byte{58, 0, 1, 0, 5, 2, 0, 0}, true},
		"single padding bytes": {[]byte{58, 0, 0, 0, 5, 2, 0, 0}, true},
		"value of RSVP":        {[]byte{58, 0, 5, 2, 0, 1, 1, 0}, false},
		"only padding":         {[]byte{58, 0, 1, 4, 0, 0, 0, 0}, false},
		"cut off":              {[]byte{58, 0, 1, 200, 5, 2, 0, 0}, false},
		"wrong length":         {[]byte{58, 0, 5, 3, 0, 0, 0, 0}, false},
		"empty":                {nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := hasRouterAlert(tt.header); got != tt.want {
				t.Errorf("hasRouterAlert(%x) = %v, want %v", tt.header, got, tt.want)
			}
		})
	}
}

func FuzzHasRouterAlert(f *testing.F) {
	f.Add([]byte{58, 0, 5, 2, 0, 0, 1, 0})
	f.Add([]byte{58, 0, 0, 0, 1, 0, 5, 2})
	f.Fuzz(func(t *testing.T, header []byte) {
		// Whatever it says, putting the option in front makes it true.
		hasRouterAlert(header)
		if len(header) >= 2 {
			with := append([]byte{header[0], header[1], 5, 2, 0, 0}, header[2:]...)
			if !hasRouterAlert(with) {
				t.Errorf("option not found at the start of %x", with)
			}
		}
	})
}
