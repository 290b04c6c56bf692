package config

// ForwardingPlane is what forwards IPv6 multicast.
type ForwardingPlane uint8

// Forwarding planes.
const (
	KernelPlane ForwardingPlane = iota // the multicast routing of the Linux kernel
	EBPFPlane                          // a BPF program of ours
	AutoPlane                          // the kernel's as long as it holds all interfaces
)

func (p ForwardingPlane) String() string { return [...]string{"kernel", "ebpf", "auto"}[p] }

// How many interfaces can have MLD, the upstream one included. The kernel's multicast routing
// holds no more; on ours the rest of the device is not tried with more.
const (
	MaxKernelInterfaces = 32
	MaxEBPFInterfaces   = 1024
)

// holds is how many interfaces a plane holds.
func (p ForwardingPlane) holds() int {
	if p == KernelPlane {
		return MaxKernelInterfaces
	}
	return MaxEBPFInterfaces
}

// Plane is the plane that is to forward: never AutoPlane.
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
