package identity

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"tandem/internal/config"
	"tandem/internal/pki"
)

// CertificateFile is the name of the file in the state directory with the device's own
// certificate and its private key.
const CertificateFile = "device-certificate.pem"

// Certificate reads the device's certificate and key from the state directory. It makes a
// new certificate if there is none, if the file cannot be used, or if other users could
// have read the key. In this case made says why, and also whether the new one could not
// be stored.
func Certificate(stateDir string) (own *pki.Self, made, err error) {
	path := filepath.Join(stateDir, CertificateFile)
	if own, made = readCertificate(path); made == nil {
		return own, nil, nil
	}
	if own, err = pki.NewSelf(); err != nil {
		return nil, nil, err
	}
	text, err := own.PEM()
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(os.MkdirAll(stateDir, 0o700), config.WriteFile(path, text)); err != nil {
		made = fmt.Errorf("%w; the new one is not stored: %w", made, err)
	}
	return own, made, nil
}

func readCertificate(path string) (*pki.Self, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s has the mode %v, others may know the key", path, info.Mode())
	}
	text, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return nil, err
	}
	own, err := pki.ParseSelf(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return own, nil
}
