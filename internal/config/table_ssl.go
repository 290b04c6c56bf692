package config

import (
	"fmt"
	"path/filepath"

	"tandem/internal/command"
)

// SSLPolicy names the files for TLS: the device's own certificate and key, and the
// authority that signs the peer's certificate. Paths are absolute.
type SSLPolicy struct {
	Name             string
	CA               string
	Certificate, Key string
}

func (p *SSLPolicy) complete() bool { return p.CA != "" && p.Certificate != "" && p.Key != "" }

func sslEntries() []entry {
	return namedObjects(ViewSSL, "ssl policy <policy:string(1..23)>", "Create an SSL policy and enter its view",
		func(m *Model) map[string]*SSLPolicy { return m.SSLPolicies }, func(name string) *SSLPolicy { return &SSLPolicy{Name: name} },
		setting[SSLPolicy]{
			syntax: "trusted-ca load pem-ca <ca-file:file>",
			help:   "Set the authority whose certificates are believed",
			set:    func(p *SSLPolicy, a command.Args) error { p.CA = command.Get[string](a, "ca-file"); return nil },
			clear:  func(p *SSLPolicy, _ command.Args) error { p.CA = ""; return nil },
			write: func(p *SSLPolicy) []string {
				if p.CA == "" {
					return nil
				}
				return []string{"trusted-ca load pem-ca " + command.Quote(p.CA)}
			}},
		setting[SSLPolicy]{
			syntax: "certificate load pem-cert <certificate-file:file> key-file <key-file:file>",
			help:   "Set the certificate of this device and its private key",
			set: func(p *SSLPolicy, a command.Args) error {
				p.Certificate, p.Key = command.Get[string](a, "certificate-file"), command.Get[string](a, "key-file")
				return nil
			},
			clear: func(p *SSLPolicy, _ command.Args) error { p.Certificate, p.Key = "", ""; return nil },
			write: func(p *SSLPolicy) []string {
				if p.Certificate == "" {
					return nil
				}
				return []string{fmt.Sprintf("certificate load pem-cert %s key-file %s", command.Quote(p.Certificate), command.Quote(p.Key))}
			}},
	)
}

func parseFile(s string) (string, error) {
	if !filepath.IsAbs(s) || len(s) > 255 {
		return "", fmt.Errorf("%q is not an absolute path of up to 255 characters", s)
	}
	return s, nil
}

// Pinned reports whether the peer must show the certificate that its hellos name.
func (s *Service) Pinned() bool { return s.SSLPolicy == "" && !s.Plaintext }

// servicePlaintext is the setting that switches the protection of a service off.
func servicePlaintext() setting[Service] {
	return flag("transport plaintext", "Replicate in clear, so that anybody on the path reads and alters the listeners",
		func(s *Service) *bool { return &s.Plaintext }, false)
}

// serviceSSL binds a service to an SSL policy.
func serviceSSL() setting[Service] {
	return setting[Service]{
		syntax: "bind ssl-policy <policy:string(1..23)>",
		help:   "Speak TLS with the peer, by the certificates of an SSL policy",
		set:    func(s *Service, a command.Args) error { s.SSLPolicy = a.String("policy"); return nil },
		clear:  func(s *Service, _ command.Args) error { s.SSLPolicy = ""; return nil },
		write: func(s *Service) []string {
			if s.SSLPolicy == "" {
				return nil
			}
			return []string{"bind ssl-policy " + command.Quote(s.SSLPolicy)}
		}}
}
