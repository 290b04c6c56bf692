package sshd

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"tandem/internal/config"
)

// settings are the parts of a configuration that the server needs. They are not changed
// after they are made.
type settings struct {
	config.SSHServer
	users map[string]*user // by name in lower case
}

type user struct {
	config.SSHUser
	keys []ssh.PublicKey
}

func settingsOf(m *config.Model) (*settings, error) {
	s := &settings{m.SSH, map[string]*user{}}
	for _, u := range m.SSHUsers {
		known := &user{SSHUser: *u}
		for _, k := range u.Keys {
			key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(k.String()))
			if err != nil {
				return nil, fmt.Errorf("ssh user %s: public-key %s: %w", u.Name, k.Type, err)
			}
			known.keys = append(known.keys, key)
		}
		s.users[strings.ToLower(u.Name)] = known
	}
	return s, nil
}

func (s *settings) user(name string) *user { return s.users[strings.ToLower(name)] }

// address returns the address and port to listen on, empty if the server is off.
func (s *settings) address() string {
	switch {
	case !s.Enabled:
		return ""
	case s.Source.IsValid():
		return net.JoinHostPort(s.Source.String(), strconv.Itoa(int(s.Port)))
	}
	return ":" + strconv.Itoa(int(s.Port))
}

// allows reports whether a user may log in with a key. The error says what is wrong with
// the user's key file.
func (u *user) allows(key ssh.PublicKey) (bool, error) {
	if same(u.keys, key) {
		return true, nil
	}
	if u.KeyFile == "" {
		return false, nil
	}
	keys, err := keysOf(u.KeyFile)
	return same(keys, key), err
}

func same(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) })
}

// keysOf reads a file like OpenSSH's authorized_keys. A file that others may write
// to is refused. Lines that cannot be used are left out, and the error names the last of them.
func keysOf(path string) ([]ssh.PublicKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&(unix.S_IWGRP|unix.S_IWOTH) != 0 {
		return nil, fmt.Errorf("%s: others may write to it (mode %v)", path, info.Mode().Perm())
	}
	var keys []ssh.PublicKey
	var bad error
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, options, _, err := ssh.ParseAuthorizedKey(line)
		if err == nil {
			err = restrictions(options)
		}
		if err != nil {
			bad = fmt.Errorf("%s: line %d: %w", path, n, err)
			continue
		}
		keys = append(keys, key)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, bad
}

// restrictions refuses a key whose options demand a limit that this server does not keep.
// Options that forbid what the server never permits are accepted.
func restrictions(options []string) error {
	for _, o := range options {
		switch strings.ToLower(o) {
		case "no-port-forwarding", "no-agent-forwarding", "no-x11-forwarding", "no-user-rc":
		default:
			return fmt.Errorf("the option %s is not known here, so the key is not believed", o)
		}
	}
	return nil
}
