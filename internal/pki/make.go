package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// Names of the files that Make writes.
const (
	CAFile    = "ca.pem"
	CAKeyFile = "ca-key.pem"
)

// CertificateFile returns the name of the file with a device's certificate.
func CertificateFile(device string) string { return device + ".pem" }

// KeyFile returns the name of the file with a device's private key.
func KeyFile(device string) string { return device + "-key.pem" }

// Device is one end of the channel: its name, from which the file names derive, and its
// address on the channel.
type Device struct {
	Name    string
	Address netip.Addr
}

// Make writes a new authority and a certificate for each device into dir, which it
// creates. All of them are valid from notBefore for the given lifetime. It refuses to
// overwrite a file. Only the owner can read the private keys.
func Make(dir string, devices []Device, notBefore time.Time, lifetime time.Duration) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	ca, err := newAuthority(notBefore, lifetime)
	if err != nil {
		return err
	}
	if err := writePair(dir, CAFile, CAKeyFile, ca); err != nil {
		return err
	}
	for _, d := range devices {
		issued, err := ca.issue(d, notBefore, lifetime)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		if err := writePair(dir, CertificateFile(d.Name), KeyFile(d.Name), issued); err != nil {
			return err
		}
	}
	return nil
}

// identity is a certificate with its key.
type identity struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(notBefore time.Time, lifetime time.Duration) (identity, error) {
	return sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "Tandem pair"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, notBefore, lifetime, nil)
}

// issue makes a device's certificate, valid for both ends of a connection.
func (ca identity) issue(d Device, notBefore time.Time, lifetime time.Duration) (identity, error) {
	return sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: d.Name},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{d.Address.AsSlice()},
	}, notBefore, lifetime, &ca)
}

// sign completes a certificate with a new key. Without an authority the certificate signs
// itself.
func sign(template *x509.Certificate, notBefore time.Time, lifetime time.Duration, ca *identity) (identity, error) {
	return signUntil(template, notBefore, notBefore.Add(lifetime), ca)
}

// signUntil is sign with the time at which the certificate expires, in place of its
// lifetime.
func signUntil(template *x509.Certificate, notBefore, notAfter time.Time, ca *identity) (identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, err
	}
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return identity{}, err
	}
	template.NotBefore, template.NotAfter = notBefore, notAfter
	if ca == nil {
		ca = &identity{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		return identity{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return identity{cert, key}, err
}

func writePair(dir, certFile, keyFile string, id identity) error {
	der, err := x509.MarshalPKCS8PrivateKey(id.key)
	if err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, keyFile), "PRIVATE KEY", der, 0o600); err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, certFile), "CERTIFICATE", id.cert.Raw, 0o644)
}

// writePEM makes a new file. An existing file is an error.
func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if err := pem.Encode(f, &pem.Block{Type: kind, Bytes: der}); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
