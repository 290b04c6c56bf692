package vm

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"
)

// archive writes an initramfs in the "newc" format, see
// Documentation/driver-api/early-userspace/buffer-format.rst of the kernel. The first error
// is kept until close.
type archive struct {
	w    *bufio.Writer
	at   int64 // bytes written
	node int
	dirs map[string]bool
	err  error
}

// File types and permissions of an entry's mode, as in stat(2).
const (
	modeDir  = 0o040755
	modeFile = 0o100755
	modeChar = 0o020600
)

func newArchive(w io.Writer) *archive {
	return &archive{w: bufio.NewWriterSize(w, 1<<20), dirs: map[string]bool{".": true, "/": true}}
}

// file adds a file with a known size, and the directories above it.
func (a *archive) file(name string, size int64, content io.Reader) {
	name = a.place(name)
	a.header(name, modeFile, size, 0, 0)
	if a.err != nil {
		return
	}
	n, err := io.Copy(a.w, content)
	a.at += n
	if err == nil && n != size {
		err = fmt.Errorf("%s has %d bytes, not %d", name, n, size)
	}
	a.err = err
	a.pad()
}

// text adds a file with the given content.
func (a *archive) text(name, content string) {
	a.file(name, int64(len(content)), strings.NewReader(content))
}

// device adds a character device.
func (a *archive) device(name string, major, minor int) {
	a.header(a.place(name), modeChar, 0, major, minor)
}

// dir adds a directory and the directories above it, each only once.
func (a *archive) dir(name string) {
	name = path.Clean(strings.TrimPrefix(name, "/"))
	if a.dirs[name] {
		return
	}
	a.dir(path.Dir(name))
	a.dirs[name] = true
	a.header(name, modeDir, 0, 0, 0)
}

// place makes the directory of an entry and returns the entry's name in the archive.
func (a *archive) place(name string) string {
	name = path.Clean(strings.TrimPrefix(name, "/"))
	a.dir(path.Dir(name))
	return name
}

// header writes the header and the name of an entry. Each part starts at a multiple of four
// bytes.
func (a *archive) header(name string, mode, size int64, major, minor int) {
	if a.err != nil {
		return
	}
	a.node++
	// ino, mode, uid, gid, nlink, mtime, filesize, dev, rdev, namesize, check.
	n, err := fmt.Fprintf(a.w, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.node, mode, 0, 0, 1, 0, size, 0, 0, major, minor, len(name)+1, 0, name)
	a.at += int64(n)
	a.err = err
	a.pad()
}

func (a *archive) pad() {
	if a.err != nil {
		return
	}
	n, err := a.w.WriteString("\x00\x00\x00"[:(4-a.at%4)%4])
	a.at += int64(n)
	a.err = err
}

// close ends the archive and returns the first error.
func (a *archive) close() error {
	a.header("TRAILER!!!", 0, 0, 0, 0)
	if err := a.w.Flush(); a.err == nil {
		a.err = err
	}
	return a.err
}
