package config

// ForwardingPlane is what forwards IPv6 multicast.
type ForwardingPlane uint8

// Forwarding planes.
const (
	KernelPlane ForwardingPlane = iota // the multicast routing of the Linux kernel
	EBPFPlane                          // a BPF program of Tandem (package fib/ebpf)
	AutoPlane                          // the kernel's if it can hold all interfaces, else the BPF program
)

func (p ForwardingPlane) String() string { return [...]string{"kernel", "ebpf", "auto"}[p] }

// How many interfaces can have MLD, the upstream one included. The kernel's multicast
// routing can hold no more. With the BPF program the rest of the device is not tested
// with more.
const (
	MaxKernelInterfaces = 32
	MaxEBPFInterfaces   = 1024
)

// holds returns how many interfaces a plane can hold.
func (p ForwardingPlane) holds() int {
	if p == KernelPlane {
		return MaxKernelInterfaces
	}
	return MaxEBPFInterfaces
}

// Plane returns the plane that has to forward: never AutoPlane.
func (m *Model) Plane() ForwardingPlane {
	if m.ForwardingPlane != AutoPlane {
		return m.ForwardingPlane
	}
	interfaces := 0
	for _, i := range m.Interfaces {
		if i.MLD.Proxy || i.MLD.Enabled {
			interfaces++
		}
	}
	if interfaces > MaxKernelInterfaces {
		return EBPFPlane
	}
	return KernelPlane
}
