package config

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tandem/internal/command"
)

// SSHServer is the configuration of the SSH server, which gives access to the console over
// the network.
type SSHServer struct {
	Enabled bool
	// Port is 22 or another port. On most systems another SSH server uses port 22.
	Port uint16
	// Source is the address to listen on; zero means all addresses, also IPv4.
	Source netip.Addr
	// LoginTimeout is how long a login may take, 1..120 s. Retries is how many wrong keys
	// it may offer, 1..5.
	LoginTimeout time.Duration
	Retries      uint8
	// IdleTimeout ends a session in which nothing is typed, 0..1440 minutes; 0 means never.
	IdleTimeout time.Duration
}

// Defaults of the SSH server. The port is not 22, because the system's own SSH server uses
// it.
const (
	defaultSSHPort    = 2222
	defaultSSHLogin   = 60 * time.Second
	defaultSSHRetries = 3
	defaultSSHIdle    = 10 * time.Minute
	defaultSSHLevel   = 1
)

// SSHUser is a user who may log in with one of several keys.
type SSHUser struct {
	Name  string
	Level uint8 // 1: display only; 2: all commands
	Keys  []PublicKey
	// KeyFile is a file in the format of OpenSSH's authorized_keys, empty for none. It is
	// read at every login.
	KeyFile string
}

// PublicKey is a key in the form of authorized_keys: its type and its base64 text.
type PublicKey struct{ Type, Base64 string }

func (k PublicKey) String() string { return k.Type + " " + k.Base64 }

func sshServerEntries() []entry {
	server := func(m *Model, _ View) *SSHServer { return &m.SSH }
	return settings(ViewSystem, server,
		flag("ssh server enable", "Let users reach the console over SSH", func(s *SSHServer) *bool { return &s.Enabled }, false),
		number("ssh server port <port:1..65535>", "Set the TCP port of the SSH server", func(s *SSHServer) *uint16 { return &s.Port }, defaultSSHPort),
		scalar("ssh server source-ipv6 <address:unicast>", "Listen on one address only", func(s *SSHServer) *netip.Addr { return &s.Source }, netip.Addr{},
			func(a command.Args, name string) (netip.Addr, error) { return a.Addr(name), nil }, netip.Addr.String),
		duration("ssh server timeout <seconds:1..120>", "Set how long a login may take", time.Second,
			func(s *SSHServer) *time.Duration { return &s.LoginTimeout }, defaultSSHLogin),
		number("ssh server authentication-retries <retries:1..5>", "Set how many keys may be tried in a login",
			func(s *SSHServer) *uint8 { return &s.Retries }, defaultSSHRetries),
		duration("ssh server idle-timeout <minutes:0..1440>", "Set after how long an idle session ends, 0 for never", time.Minute,
			func(s *SSHServer) *time.Duration { return &s.IdleTimeout }, defaultSSHIdle),
	)
}

func sshUserEntries() []entry {
	return namedObjects(ViewSSHUser, "ssh user <user:string(1..32)>", "Create an SSH user and enter its view",
		func(m *Model) map[string]*SSHUser { return m.SSHUsers },
		func(name string) *SSHUser { return &SSHUser{Name: name, Level: defaultSSHLevel} },
		number("level <level:1..2>", "Set what the user may do: 1 look, 2 everything", func(u *SSHUser) *uint8 { return &u.Level }, defaultSSHLevel),
		several("public-key", "<public-key>", "Let the user in with a key",
			func(u *SSHUser) *[]PublicKey { return &u.Keys },
			func(a command.Args) (PublicKey, bool) {
				k := command.Get[PublicKey](a, "public-key")
				return k, k.Type != ""
			},
			func(a, b PublicKey) int { return strings.Compare(a.String(), b.String()) }, PublicKey.String),
		setting[SSHUser]{
			syntax: "authorized-keys-file <keys-file:file>",
			help:   "Let the user in with any key of a file",
			set:    func(u *SSHUser, a command.Args) error { u.KeyFile = command.Get[string](a, "keys-file"); return nil },
			clear:  func(u *SSHUser, _ command.Args) error { u.KeyFile = ""; return nil },
			write: func(u *SSHUser) []string {
				if u.KeyFile == "" {
					return nil
				}
				return []string{"authorized-keys-file " + command.Quote(u.KeyFile)}
			}},
	)
}

// publicKeyType is the parameter type of a public key: the first two words of a line of
// authorized_keys. A comment after them is ignored.
var publicKeyType = command.Type{Name: "public-key", Show: "TYPE BASE64", Parse: func(words []string) (any, int, error) {
	if len(words) < 2 {
		return nil, 0, command.ErrIncomplete
	}
	k := PublicKey{words[0], words[1]}
	return k, len(words), k.check()
}}

// check checks that the base64 text contains a key of the type (RFC 4253, section 6.6).
func (k PublicKey) check() error {
	raw, err := base64.StdEncoding.DecodeString(k.Base64)
	if err != nil {
		return errors.New("the key is not base64")
	}
	if len(raw) < 4 || int(binary.BigEndian.Uint32(raw)) != len(k.Type) || !strings.HasPrefix(string(raw[4:]), k.Type) {
		return fmt.Errorf("it is no key of the type %q", k.Type)
	}
	return nil
}

func (v *validator) ssh() {
	if v.m.SSH.Enabled && len(v.m.SSHUsers) == 0 {
		v.warn("ssh server", "there is no ssh user, so nobody can log in")
	}
	inOrder(v.m.SSHUsers, func(u *SSHUser) {
		if len(u.Keys) == 0 && u.KeyFile == "" {
			v.warn("ssh user "+u.Name, "it has no public-key and no authorized-keys-file, so it cannot log in")
		}
	})
}
