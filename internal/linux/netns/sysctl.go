package netns

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// SetSysctl writes a kernel parameter of the namespace. The key is its path
// below /proc/sys/net, such as "ipv6/conf/all/forwarding".
func (n *Namespace) SetSysctl(key, value string) error {
	path, err := sysctlPath(key)
	if err != nil {
		return err
	}
	// The kernel shows /proc/sys/net of the namespace of the thread that opens it.
	return n.Do(func() error {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.WriteString(value); err != nil {
			return fmt.Errorf("set %s to %q: %w", key, value, err)
		}
		return nil
	})
}

// DisableDAD switches Duplicate Address Detection off for links that are added to the
// namespace later. They can use their IPv6 addresses, also link-local ones, at once.
func (n *Namespace) DisableDAD() error {
	return n.SetSysctl("ipv6/conf/default/accept_dad", "0")
}

// EnableForwarding makes the namespace an IPv6 router.
func (n *Namespace) EnableForwarding() error {
	return n.SetSysctl("ipv6/conf/all/forwarding", "1")
}

func sysctlPath(key string) (string, error) {
	if !filepath.IsLocal(key) {
		return "", fmt.Errorf("%q is not a path below /proc/sys/net", key)
	}
	return filepath.Join("/proc/sys/net", key), nil
}

// Unprivileged makes a command start as root of new user, mount and network namespaces, so
// that a user without privileges can build a whole network in it. The start fails if the
// kernel or its policy does not permit user namespaces.
func Unprivileged(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	a := cmd.SysProcAttr
	a.Cloneflags |= syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
}
