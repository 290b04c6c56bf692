package instant

import (
	"testing"
	"time"
)

func TestReadingIsAlwaysAnInstant(t *testing.T) {
	for _, d := range []time.Duration{0, 1, time.Second, 1 << 62} {
		at := FromOrigin(d)
		if !at.IsSet() || at.SinceOrigin() != d || at.String() != d.String() {
			t.Errorf("%v from the origin: set %v, %v since it, written %s", d, at.IsSet(), at.SinceOrigin(), at)
		}
	}
}

func TestZeroIsNever(t *testing.T) {
	var never Time
	now := FromOrigin(0)
	if never.IsSet() || never.IsDue(now) || never.Left(now) != 0 || never >= now || never.String() != "never" {
		t.Errorf("the zero Time is taken for an instant: %v", never)
	}
}

func TestDistances(t *testing.T) {
	now := FromOrigin(time.Minute)
	later := now.Add(time.Second)
	for _, c := range []struct {
		what      string
		got, want time.Duration
	}{
		{"from now to later", later.Sub(now), time.Second},
		{"from later to now", now.Sub(later), -time.Second},
		{"left until later", later.Left(now), time.Second},
		{"left until now", now.Left(now), 0},
		{"left until the past", now.Left(later), 0},
		{"a minute before now", now.Add(-time.Minute).SinceOrigin(), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	if later.IsDue(now) || !now.IsDue(now) || !now.IsDue(later) {
		t.Error("an instant is not due exactly from itself on")
	}
}

func TestEarliest(t *testing.T) {
	a, b := FromOrigin(0), FromOrigin(1)
	for _, c := range []struct {
		of   []Time
		want Time
	}{
		{nil, Never},
		{[]Time{Never, Never}, Never},
		{[]Time{b, Never, a}, a},
		{[]Time{Never, b}, b},
	} {
		if got := Earliest(c.of...); got != c.want {
			t.Errorf("earliest of %v: %v, want %v", c.of, got, c.want)
		}
	}
}
