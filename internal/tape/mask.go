package tape

import (
	"io"
	"net/netip"
	"reflect"
	"slices"

	"tandem/internal/device"
	"tandem/internal/etrunk"
)

// Mask copies a recording and replaces its unicast addresses. Link-local addresses stay
// link-local. Of two addresses of the same kind the lower one stays the lower, because
// elections depend on it. Groups do not change. The hash of an (S,G) may change, and then
// decisions may change, so Mask computes the checksums again.
func Mask(r io.Reader, w io.Writer) error {
	f, err := read(r)
	if err != nil {
		return err
	}
	m := masker{names: make(map[netip.Addr]netip.Addr)}
	seen := func(v any) { walk(reflect.ValueOf(v), func(a netip.Addr) netip.Addr { m.note(a); return a }) }
	seen(&f.Start)
	if err := f.each(func(e *Entry) error { seen(e); return nil }); err != nil {
		return err
	}
	m.choose()
	return m.copy(&f, newWriter(w))
}

// masker replaces addresses.
type masker struct {
	names map[netip.Addr]netip.Addr
	was   map[uint32]etrunk.Config
}

func (m *masker) note(a netip.Addr) {
	if a.Is6() && !a.IsMulticast() && !a.IsUnspecified() {
		m.names[a] = a
	}
}

// choose assigns new addresses in the order of the old ones.
func (m *masker) choose() {
	var all []netip.Addr
	for a := range m.names {
		all = append(all, a)
	}
	slices.SortFunc(all, netip.Addr.Compare)
	for i, a := range all {
		b := netip.MustParseAddr("2001:db8::").As16()
		if a.IsLinkLocalUnicast() {
			b = netip.MustParseAddr("fe80::").As16()
		}
		n := i + 1
		b[13], b[14], b[15] = byte(n>>16), byte(n>>8), byte(n)
		m.names[a] = netip.AddrFrom16(b)
	}
}

func (m *masker) name(a netip.Addr) netip.Addr {
	if other, ok := m.names[a]; ok {
		return other
	}
	return a
}

func (m *masker) copy(f *file, out *writer) error {
	m.learn(f.Settings)
	walk(reflect.ValueOf(&f.Start), m.name)
	if err := out.start(f.Start); err != nil {
		return err
	}
	p, err := newPlayer(f.Start)
	if err != nil {
		return err
	}
	err = f.each(func(e *Entry) error {
		m.mask(e)
		if step := p.play(e); step != nil {
			e.Decision = step.sum
		}
		return out.entry(e)
	})
	if err != nil {
		return err
	}
	return out.w.Flush()
}

// learn stores the old configurations of the E-Trunks, because the hellos were signed
// with their keys.
func (m *masker) learn(s *device.Settings) {
	if s != nil {
		m.was = make(map[uint32]etrunk.Config)
		for id, cfg := range s.ETrunks {
			m.was[id] = cfg
		}
	}
}

func (m *masker) mask(e *Entry) {
	m.learn(e.Settings)
	if hello, ok := e.Event.(device.HelloReceived); ok {
		if id, err := etrunk.PeekID(hello.Packet); err == nil {
			was := m.was[id]
			now := was
			now.Local, now.Peer = m.name(was.Local), m.name(was.Peer)
			hello.Packet = resign(hello.Packet, was, now)
		}
		e.Event = hello
	}
	walk(reflect.ValueOf(e), m.name)
}

// walk replaces every address that can be reached from a pointer by the result of f.
func walk(v reflect.Value, f func(netip.Addr) netip.Addr) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), f)
		}
	case reflect.Interface:
		if !v.IsNil() { // the content of an interface value cannot be changed in place
			inner := reflect.New(v.Elem().Type()).Elem()
			inner.Set(v.Elem())
			walk(inner, f)
			v.Set(inner)
		}
	case reflect.Struct:
		walkStruct(v, f)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range v.Len() {
				walk(v.Index(i), f)
			}
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			inner := reflect.New(v.Type().Elem()).Elem()
			inner.Set(v.MapIndex(k))
			walk(inner, f)
			v.SetMapIndex(k, inner)
		}
	}
}

func walkStruct(v reflect.Value, f func(netip.Addr) netip.Addr) {
	switch a := v.Interface().(type) {
	case netip.Addr:
		v.Set(reflect.ValueOf(f(a)))
		return
	case netip.Prefix:
		if a.IsSingleIP() {
			v.Set(reflect.ValueOf(netip.PrefixFrom(f(a.Addr()), a.Bits())))
		}
		return
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			walk(v.Field(i), f)
		}
	}
}
