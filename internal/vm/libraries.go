package vm

import (
	"debug/elf"
	"fmt"
	"os/exec"
	"regexp"
)

// isStatic reports whether a program needs no dynamic loader.
func isStatic(path string) (bool, error) {
	f, err := elf.Open(path)
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return false, nil
		}
	}
	return true, nil
}

// sharedObject matches the path of a library, or of the loader, in a line of ldd(1).
var sharedObject = regexp.MustCompile(`(?m)(/\S+) \(0x[0-9a-f]+\)$`)

// notFound matches a library that does not exist.
var notFound = regexp.MustCompile(`(?m)^\s*(\S+) => not found$`)

// libraries returns the dynamic loader and the libraries that a program of this machine
// needs, none for a static program. They must have the same paths in the guest, because the
// loader looks for them there.
func libraries(program string) (paths []string, err error) {
	if static, err := isStatic(program); static || err != nil {
		return nil, err
	}
	out, err := exec.Command("ldd", program).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("libraries of %s: %w: %s", program, err, lastLine(out))
	}
	if m := notFound.FindSubmatch(out); m != nil {
		return nil, fmt.Errorf("%s wants the library %s, which is not here", program, m[1])
	}
	for _, m := range sharedObject.FindAllSubmatch(out, -1) {
		paths = append(paths, string(m[1]))
	}
	return paths, nil
}
