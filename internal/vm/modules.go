package vm

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// moduleSet finds the modules of an unpacked kernel by name.
type moduleSet struct {
	paths map[string]string // by name, with "_" for "-"
}

// openModules lists the modules below a directory such as lib/modules/6.1.0.
func openModules(dir string) (*moduleSet, error) {
	s := &moduleSet{paths: make(map[string]string)}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".ko") {
			s.paths[moduleName(strings.TrimSuffix(filepath.Base(path), ".ko"))] = path
		}
		return err
	})
	if err == nil && len(s.paths) == 0 {
		err = fmt.Errorf("no kernel modules in %s", dir)
	}
	return s, err
}

func moduleName(name string) string { return strings.ReplaceAll(name, "-", "_") }

// closure returns the files of the named modules and of all modules that they need, in an
// order in which they can be loaded.
func (s *moduleSet) closure(names []string) ([]string, error) {
	var order []string
	seen := make(map[string]bool)
	var visit func(name string) error
	visit = func(name string) error {
		if seen[name] {
			return nil
		}
		seen[name] = true
		path, ok := s.paths[name]
		if !ok {
			return fmt.Errorf("the kernel package has no module %s", name)
		}
		needs, err := moduleDepends(path)
		if err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		for _, need := range needs {
			if err := visit(moduleName(need)); err != nil {
				return err
			}
		}
		order = append(order, path)
		return nil
	}
	for _, name := range names {
		if err := visit(moduleName(name)); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// moduleDepends returns the dependencies of a module. They are in its section .modinfo,
// which contains zero-terminated key=value strings.
func moduleDepends(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("%s has no section .modinfo", path)
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for _, entry := range bytes.Split(info, []byte{0}) {
		if list, ok := strings.CutPrefix(string(entry), "depends="); ok && list != "" {
			return strings.Split(list, ","), nil
		}
	}
	return nil, nil
}
