package sshd

import (
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"tandem/internal/config"
)

// hostKeyFile is a file in the state directory, in the format of OpenSSH.
const hostKeyFile = "ssh_host_ed25519_key"

// hostKey reads the key by which clients recognise the device. If there is none, it makes
// one.
func hostKey(stateDir string) (ssh.Signer, error) {
	path := filepath.Join(stateDir, hostKeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = newHostKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("SSH host key: %w", err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("SSH host key %s: %w", path, err)
	}
	return key, nil
}

func newHostKey(path string) ([]byte, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "tandem")
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(block)
	return text, config.WriteFile(path, text)
}
