package ebpf

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"tandem/internal/device"
	"tandem/internal/fib"
	"tandem/internal/linux/inherit"
	"tandem/internal/linux/mroute"
)

// Names under which the descriptors of the table and the hooks are handed over, besides
// those of the maps.
const (
	tableFile = "tandem_table"
	hookFile  = "tandem_hook"
)

// FileNames lists the names of all descriptors that a plane hands over.
var FileNames = fileNames()

func fileNames() []string {
	names := []string{tableFile, hookFile}
	_ = new(maps).each(func(_ **ebpf.Map, spec *ebpf.MapSpec) error {
		names = append(names, spec.Name)
		return nil
	})
	return names
}

// checkpoint is the state that a plane hands over besides its descriptors.
type checkpoint struct {
	Layout      int
	Ports       map[string]left
	Permission  device.Gate
	GateRepairs uint64
	Dropped     [3]uint64
	Repairs     fib.Repairs
}

// left is a port in the checkpoint.
type left struct {
	Slot     uint32
	Index    int // 0 if SetInterfaces has not named it
	Incoming bool
}

// HandOver implements [fib.Plane].
func (p *Plane) HandOver() (fib.Checkpoint, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cp := checkpoint{
		Layout: layout, Ports: make(map[string]left), Permission: p.gate.want,
		GateRepairs: p.gate.repairs, Dropped: p.gate.dropped, Repairs: p.repairs,
	}
	for name, port := range p.ports {
		cp.Ports[name] = left{port.slot, port.told.Index, port.told.Incoming}
	}
	var state bytes.Buffer
	if err := gob.NewEncoder(&state).Encode(cp); err != nil {
		return fib.Checkpoint{}, fmt.Errorf("state of the forwarding plane: %w", err)
	}
	files, err := p.files()
	if err != nil {
		files.Close()
		return fib.Checkpoint{}, fmt.Errorf("files of the forwarding plane: %w", err)
	}
	return fib.Checkpoint{State: state.Bytes(), Files: files}, nil
}

// files returns the descriptors of the table, the maps and the hooks. The plane closes
// its own descriptors of the hooks, so that the hooks end with the successor.
func (p *Plane) files() (files inherit.Files, err error) {
	table, _ := p.table.HandOver()
	files = inherit.Files{{Name: tableFile, File: table}}
	add := func(name string, fd int) error {
		second, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err == nil {
			files = append(files, inherit.File{Name: name, File: os.NewFile(uintptr(second), name)})
		}
		return err
	}
	err = p.maps.each(func(m **ebpf.Map, spec *ebpf.MapSpec) error { return add(spec.Name, (*m).FD()) })
	for _, port := range p.ports {
		raw, ok := port.hook.(interface{ FD() int })
		if err != nil || !ok {
			continue
		}
		if err = add(hookFile, raw.FD()); err == nil {
			port.hook.Close()
		}
	}
	return files, err
}

// inherit takes over the state of the predecessor's plane, if it can. Otherwise p.table
// is nil afterwards.
func (p *Plane) inherit(from *fib.Checkpoint) error {
	var known checkpoint
	if gob.NewDecoder(bytes.NewReader(from.State)).Decode(&known) != nil || known.Layout != layout {
		return nil
	}
	socket := from.Files.One(tableFile)
	if socket == nil {
		return nil
	}
	fd, err := inherit.Descriptor(socket)
	if err != nil {
		return err
	}
	p.table = mroute.Adopt(fd, nil)
	if err := p.load(from); err != nil {
		return err
	}
	p.gate.want, p.gate.repairs, p.gate.dropped = known.Permission, known.GateRepairs, known.Dropped
	p.gate.word = atomic.LoadUint32(&p.maps.control.at(0).gate)
	p.repairs = known.Repairs
	p.adoptPorts(known.Ports)
	if err := p.adoptRoutes(); err != nil {
		return err
	}
	if err := p.adoptHooks(&from.Files); err != nil {
		return err
	}
	return p.applyGate()
}

// adoptPorts takes over the ports of the predecessor.
func (p *Plane) adoptPorts(ports map[string]left) {
	for name, l := range ports {
		for int(l.Slot) >= len(p.bySlot) {
			p.bySlot = append(p.bySlot, nil)
		}
		port := &port{slot: l.Slot, told: fib.Interface{Name: name, Index: l.Index, Incoming: l.Incoming}}
		o := p.maps.outputs.at(l.Slot)
		port.is = output{ifindex: uint32(l.Index), gate: atomic.LoadUint32(&o.gate), mtu: o.mtu, address: o.address}
		p.ports[name], p.bySlot[l.Slot] = port, port
	}
}

// adoptRoutes takes over the routes that are in the map.
func (p *Plane) adoptRoutes() error {
	all, err := contents[route](p.maps.routes)
	if err != nil {
		return err
	}
	used := make(map[uint32]bool, len(all))
	for k, r := range all {
		l, made := p.lists.adopt(r.First, r.Outputs)
		if made {
			p.hold(l)
		}
		l.users++
		p.routes[k] = known{r, l}
		if r.Outputs > 0 {
			p.beginWatch(k, r.Slot)
		}
		used[r.Slot] = true
		p.slots.end = max(p.slots.end, r.Slot+1)
	}
	for slot := range p.slots.end {
		if !used[slot] {
			p.slots.free = append(p.slots.free, slot)
		}
	}
	p.lists.settle(time.Now())
	return nil
}

// adoptHooks replaces the predecessor's program by this one on each interface, and
// attaches it where there is none.
func (p *Plane) adoptHooks(files *inherit.Files) error {
	byIndex := make(map[uint32]link.Link)
	for _, file := range files.All(hookFile) {
		fd, err := inherit.Descriptor(file)
		if err != nil {
			return err
		}
		hook, err := link.NewFromFD(fd)
		if err != nil {
			return err
		}
		info, err := hook.Info()
		if err != nil || info.TCX() == nil || hook.Update(p.program) != nil {
			hook.Close()
			continue // the interface is gone
		}
		byIndex[info.TCX().Ifindex] = hook
	}
	for _, port := range p.ports {
		if port.told.Index == 0 {
			continue
		}
		if port.hook = byIndex[uint32(port.told.Index)]; port.hook == nil {
			port.hook, _ = p.attach(port.told.Index)
		}
		delete(byIndex, uint32(port.told.Index))
		if port.hook == nil { // SetInterfaces will name it when it exists again
			p.removePort(port)
		}
	}
	return nil
}
