package ebpf

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"github.com/cilium/ebpf/ringbuf"
)

// readerOfUpcalls opens the ring buffer of the program's upcalls. Upcalls that came
// before are still in it.
func (p *Plane) readerOfUpcalls() (*ringbuf.Reader, error) {
	r, err := ringbuf.NewReader(p.maps.upcalls)
	if err != nil {
		return nil, fmt.Errorf("multicast upcalls: %w", err)
	}
	return r, nil
}

// readUpcalls reports streams without a route to the router.
func (p *Plane) readUpcalls(reader *ringbuf.Reader) error {
	var record ringbuf.Record
	for {
		if err := reader.ReadInto(&record); err != nil {
			if errors.Is(err, os.ErrClosed) || !p.mayReadOn("multicast upcalls", err) {
				return nil
			}
			continue
		}
		if len(record.RawSample) < upcallSize {
			continue
		}
		up := *(*upcall)(unsafe.Pointer(&record.RawSample[0]))
		if name, ok := p.incomingAt(int(up.ifindex)); ok && !p.router.StreamArrived(name, up.key.stream()) {
			return nil
		}
	}
}

// incomingAt returns the name of an interface if streams may come in there.
func (p *Plane) incomingAt(ifindex int) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, port := range p.bySlot {
		if port != nil && port.told.Index == ifindex {
			return port.told.Name, port.told.Incoming
		}
	}
	return "", false
}
