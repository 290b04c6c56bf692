package identity

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCertificate: a device keeps its certificate after a restart, in a file for its owner
// alone. It makes another one when the file is lost, damaged, or was open to others.
func TestCertificate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	path := filepath.Join(dir, CertificateFile)
	first, made, err := Certificate(dir)
	if err != nil || made == nil {
		t.Fatal(made, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	again, made, err := Certificate(dir)
	if err != nil || made != nil || again.Fingerprint() != first.Fingerprint() {
		t.Fatal("another certificate after a restart", made, err)
	}
	last := first.Fingerprint()
	for name, harm := range map[string]func() error{
		"lost":    func() error { return os.Remove(path) },
		"damaged": func() error { return os.Truncate(path, 100) },
		"open":    func() error { return os.Chmod(path, 0o640) },
		"a link": func() error {
			elsewhere := filepath.Join(t.TempDir(), "elsewhere")
			if err := os.Rename(path, elsewhere); err != nil {
				return err
			}
			return os.Symlink(elsewhere, path)
		},
	} {
		if err := harm(); err != nil {
			t.Fatal(err)
		}
		own, made, err := Certificate(dir)
		if err != nil || made == nil || own.Fingerprint() == last {
			t.Errorf("%s: made %v, %v", name, made, err)
		}
		last = own.Fingerprint()
		if again, made, err := Certificate(dir); err != nil || made != nil || again.Fingerprint() != last {
			t.Errorf("%s: another one after a restart: %v, %v", name, made, err)
		}
	}
	// Where nothing can be stored, the device has one for this life.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if own, made, err := Certificate(file); own == nil || made == nil || err != nil {
		t.Errorf("%v, %v, %v", own, made, err)
	}
}
