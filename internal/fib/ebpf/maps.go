package ebpf

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"tandem/internal/linux/inherit"
)

// maps holds the maps that the program and the daemon share.
type maps struct {
	routes     *ebpf.Map // from key to route
	exceptions *ebpf.Map // from key to the generations in which the stream is an exception, one bit each
	incoming   *ebpf.Map // indexes of the interfaces on which streams may come in
	asked      *ebpf.Map // from key to the time of the stream's last upcall
	upcalls    *ebpf.Map

	streams array[stream]
	lists   array[listed]
	outputs array[output]
	control array[control]
}

// array is a map that the daemon reads and writes as memory, without a system call.
type array[T any] struct {
	*ebpf.Map
	memory []byte
}

// at returns an element.
func (a *array[T]) at(i uint32) *T {
	return (*T)(unsafe.Pointer(&a.memory[uintptr(i)*unsafe.Sizeof(*new(T))]))
}

func (a *array[T]) open(spec *ebpf.MapSpec) (err error) {
	size := (int(spec.MaxEntries)*int(spec.ValueSize) + os.Getpagesize() - 1) &^ (os.Getpagesize() - 1)
	if a.memory, err = unix.Mmap(a.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("memory of %s: %w", spec.Name, err)
	}
	return nil
}

func (a *array[T]) close() {
	if a.memory != nil {
		_ = unix.Munmap(a.memory)
		a.memory = nil
	}
}

// each calls f for every map with its specification.
func (m *maps) each(f func(**ebpf.Map, *ebpf.MapSpec) error) error {
	hash := func(name string, keySize, valueSize int, most uint32) *ebpf.MapSpec {
		return &ebpf.MapSpec{Name: name, Type: ebpf.Hash, KeySize: uint32(keySize), ValueSize: uint32(valueSize), MaxEntries: most, Flags: unix.BPF_F_NO_PREALLOC}
	}
	shared := func(name string, valueSize int, most uint32) *ebpf.MapSpec {
		return &ebpf.MapSpec{Name: name, Type: ebpf.Array, KeySize: 4, ValueSize: uint32(valueSize), MaxEntries: most, Flags: unix.BPF_F_MMAPABLE}
	}
	return errors.Join(
		f(&m.routes, hash(routesMap, keySize, routeSize, mostRoutes)),
		f(&m.exceptions, hash("tandem_except", keySize, 4, mostExceptions)),
		f(&m.incoming, hash("tandem_incoming", 4, 4, mostOutputs)),
		f(&m.asked, &ebpf.MapSpec{Name: "tandem_asked", Type: ebpf.LRUHash, KeySize: uint32(keySize), ValueSize: 8, MaxEntries: mostAsked}),
		f(&m.upcalls, &ebpf.MapSpec{Name: "tandem_upcalls", Type: ebpf.RingBuf, MaxEntries: upcallBuffer}),
		f(&m.streams.Map, shared("tandem_streams", streamSize, mostRoutes)),
		f(&m.lists.Map, shared("tandem_lists", listedSize, listRoom)),
		f(&m.outputs.Map, shared("tandem_outputs", outputSize, mostOutputs)),
		f(&m.control.Map, shared("tandem_control", controlSize, 1)),
	)
}

// routesMap is the name of the map of routes.
const routesMap = "tandem_routes"

// open opens the maps from the descriptors if all are there. Otherwise it makes new maps.
func (m *maps) open(left *inherit.Files) error {
	adopted := m.each(func(to **ebpf.Map, spec *ebpf.MapSpec) (err error) {
		file := left.One(spec.Name)
		if file == nil {
			return os.ErrNotExist
		}
		fd, err := inherit.Descriptor(file)
		if err == nil {
			*to, err = ebpf.NewMapFromFD(fd)
		}
		if err == nil {
			err = spec.Compatible(*to)
		}
		return err
	})
	if adopted != nil {
		m.close()
		if err := m.each(func(to **ebpf.Map, spec *ebpf.MapSpec) (err error) {
			if *to, err = ebpf.NewMap(spec); err != nil {
				err = fmt.Errorf("map %s: %w", spec.Name, err)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return m.each(m.share)
}

// share makes an array map and maps it into the daemon's memory.
func (m *maps) share(which **ebpf.Map, spec *ebpf.MapSpec) error {
	switch which {
	case &m.streams.Map:
		return m.streams.open(spec)
	case &m.lists.Map:
		return m.lists.open(spec)
	case &m.outputs.Map:
		return m.outputs.open(spec)
	case &m.control.Map:
		return m.control.open(spec)
	}
	return nil
}

func (m *maps) close() {
	m.streams.close()
	m.lists.close()
	m.outputs.close()
	m.control.close()
	_ = m.each(func(which **ebpf.Map, _ *ebpf.MapSpec) error { return (*which).Close() })
}

// readAtOnce is how many elements of a map are read by one system call.
const readAtOnce = 256

// reader reads a map from key to V, some elements at a time.
type reader[V any] struct {
	cursor ebpf.MapBatchCursor
	keys   []key
	values []V
}

func newReader[V any]() *reader[V] {
	return &reader[V]{keys: make([]key, readAtOnce), values: make([]V, readAtOnce)}
}

// next reads the next elements, which are valid until the next call. end says that there
// are no more.
func (r *reader[V]) next(m *ebpf.Map) (keys []key, values []V, end bool, err error) {
	n, err := m.BatchLookup(&r.cursor, r.keys, r.values, nil)
	if end = errors.Is(err, ebpf.ErrKeyNotExist); end {
		err = nil
	}
	return r.keys[:n], r.values[:n], end, err
}

// contents reads a whole map from key to V.
func contents[V any](m *ebpf.Map) (map[key]V, error) {
	all, r := make(map[key]V), newReader[V]()
	for {
		keys, values, end, err := r.next(m)
		for i, k := range keys {
			all[k] = values[i]
		}
		if end || err != nil {
			return all, err
		}
	}
}

// update sets elements of a map.
func update[V any](m *ebpf.Map, keys []key, values []V) error {
	if len(keys) == 0 {
		return nil
	}
	_, err := m.BatchUpdate(keys, values, nil)
	return err
}

// remove removes elements of a map. A missing element is no error.
func remove(m *ebpf.Map, keys []key) error {
	for _, k := range keys {
		if err := m.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
	}
	return nil
}
