package vm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// build writes the initramfs.
func (m Machine) build(path string, k kernel) error {
	set, err := openModules(k.modules)
	if err != nil {
		return err
	}
	modules, err := set.closure(Modules)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	a := newArchive(out)
	for _, dir := range []string{"/dev", "/proc", "/sys", "/run", "/tmp", "/root", "/etc"} {
		a.dir(dir)
	}
	a.device("/dev/console", 5, 1)
	a.device("/dev/null", 1, 3)
	w := work{Run: m.Programs}
	for _, module := range modules {
		inside := "/modules/" + filepath.Base(module)
		w.Modules = append(w.Modules, inside)
		a.copy(inside, module)
	}
	if err := a.copyAll(m.Files); err != nil {
		return err
	}
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	a.text(workFile, string(text))
	return a.close()
}

// copyAll adds files of this machine under their paths in the guest. For programs it also
// adds their libraries.
func (a *archive) copyAll(files map[string]string) error {
	shared := make(map[string]bool)
	for inside, file := range files {
		a.copy(inside, file)
		if !strings.HasPrefix(inside, "/bin/") {
			continue
		}
		needs, err := libraries(file)
		if err != nil {
			return err
		}
		for _, library := range needs {
			shared[library] = true
		}
	}
	for library := range shared {
		a.copy(library, library)
	}
	return nil
}

// copy adds a file of this machine.
func (a *archive) copy(name, path string) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		var info os.FileInfo
		if info, err = f.Stat(); err == nil {
			a.file(name, info.Size(), f)
			return
		}
	}
	if a.err == nil {
		a.err = err
	}
}
