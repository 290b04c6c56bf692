package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// UnavailableError says what this machine lacks to run a virtual machine.
type UnavailableError struct{ Missing string }

func (e *UnavailableError) Error() string { return "no virtual machine here: " + e.Missing }

func unavailable(format string, facts ...any) error {
	return &UnavailableError{Missing: fmt.Sprintf(format, facts...)}
}

const (
	emulator = "qemu-system-x86_64"
	// kernelPackage is a package that depends on the package of the current kernel.
	kernelPackage = "linux-image-cloud-amd64"
	// cacheVariable is the environment variable with the directory for unpacked kernels.
	// Without it, they are stored in the user's cache directory.
	cacheVariable = "TANDEM_VM_CACHE"
)

// kernel is an unpacked kernel package.
type kernel struct {
	image   string // path of vmlinuz
	modules string // directory of the modules
	release string
}

// fetchKernel returns Debian's cloud kernel. If it is not in the cache, fetchKernel
// downloads and unpacks the package.
func fetchKernel(ctx context.Context) (kernel, error) {
	cache, err := cacheDir()
	if err != nil {
		return kernel{}, err
	}
	if k, err := openKernel(cache); err == nil {
		return k, nil
	}
	for _, program := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return kernel{}, unavailable("no %s to get Debian's package %s with", program, kernelPackage)
		}
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return kernel{}, err
	}
	work, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return kernel{}, err
	}
	defer os.RemoveAll(work)
	if err := unpackKernel(ctx, work); err != nil {
		return kernel{}, err
	}
	k, err := openKernel(work)
	if err != nil {
		return kernel{}, err
	}
	if err := os.Rename(filepath.Join(work, k.release), filepath.Join(cache, k.release)); err != nil {
		if k, other := openKernel(cache); other == nil { // another process has unpacked it first
			return k, nil
		}
		return kernel{}, err
	}
	return openKernel(cache)
}

func cacheDir() (string, error) {
	if dir := os.Getenv(cacheVariable); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "tandem", "vm"), err
}

// openKernel finds the unpacked kernel with the highest name in a directory.
func openKernel(dir string) (kernel, error) {
	images, err := filepath.Glob(filepath.Join(dir, "*", "boot", "vmlinuz-*"))
	if err != nil || len(images) == 0 {
		return kernel{}, errors.Join(err, fmt.Errorf("no kernel in %s", dir))
	}
	image := images[len(images)-1]
	release := strings.TrimPrefix(filepath.Base(image), "vmlinuz-")
	root := filepath.Dir(filepath.Dir(image))
	return kernel{image: image, modules: filepath.Join(root, "lib", "modules", release), release: release}, nil
}

var dependsOnImage = regexp.MustCompile(`(?m)^\s*Depends: (linux-image-\S+-cloud-amd64)$`)

// unpackKernel downloads the kernel's package and unpacks it into a directory with the name
// of its release.
func unpackKernel(ctx context.Context, dir string) error {
	name, err := kernelName(ctx)
	if err != nil {
		return err
	}
	download := exec.CommandContext(ctx, "apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", name)
	download.Dir = dir
	if out, err := download.CombinedOutput(); err != nil {
		return unavailable("package %s cannot be downloaded: %s", name, lastLine(out))
	}
	packages, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(packages) != 1 {
		return errors.Join(err, fmt.Errorf("apt-get download left %d packages", len(packages)))
	}
	root := filepath.Join(dir, strings.TrimPrefix(name, "linux-image-"))
	if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", packages[0], root).CombinedOutput(); err != nil {
		return fmt.Errorf("unpack %s: %w: %s", filepath.Base(packages[0]), err, lastLine(out))
	}
	return nil
}

// kernelName returns the name of the current kernel's package. If apt knows none, its lists
// may never have been downloaded.
func kernelName(ctx context.Context) (string, error) {
	for _, refresh := range []bool{false, true} {
		if refresh && exec.CommandContext(ctx, "apt-get", "update", "-qq").Run() != nil {
			break
		}
		out, err := exec.CommandContext(ctx, "apt-cache", "depends", kernelPackage).Output()
		if m := dependsOnImage.FindSubmatch(out); err == nil && m != nil {
			return string(m[1]), nil
		}
	}
	return "", unavailable("apt knows no package %s", kernelPackage)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
