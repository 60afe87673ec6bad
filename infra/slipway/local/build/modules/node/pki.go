// Keys and certificates of the cluster, made with Go's standard library so that the machine needs no openssl.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	validity = 10 * 365 * 24 * time.Hour
	// Clocks of virtual machines that slept may lag behind.
	backdate = time.Hour
)

// request is one line of work: an authority (CA empty), a leaf signed by the named authority, or a bare key pair.
type request struct {
	Name         string   `json:"name"`
	CA           string   `json:"ca"`
	CommonName   string   `json:"common_name"`
	Organization []string `json:"organization"`
	Usage        string   `json:"usage"` // authority | server | client | peer | key
	IPs          []net.IP `json:"ips"`
	DNSNames     []string `json:"dns_names"`
}

var usages = map[string][]x509.ExtKeyUsage{
	"server": {x509.ExtKeyUsageServerAuth},
	"client": {x509.ExtKeyUsageClientAuth},
	"peer":   {x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
}

// pki reads a JSON list of requests from standard input and writes NAME.key (PKCS #8, 0600) and NAME.crt, or
// NAME.pub for a bare key, into the folder that is its argument. What is there already is kept.
func pki() {
	if err := makeAll(); err != nil {
		fmt.Fprintln(os.Stderr, "pki:", err)
		os.Exit(1)
	}
}

func makeAll() error {
	if len(os.Args) != 2 {
		return errors.New("expects one argument, the folder to write to")
	}
	var requests []request
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&requests); err != nil {
		return fmt.Errorf("requests on standard input: %w", err)
	}
	for _, r := range requests {
		if err := r.make(os.Args[1]); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	return nil
}

func (r request) make(folder string) error {
	path := filepath.Join(folder, r.Name)
	public := path + ".crt"
	if r.Usage == "key" {
		public = path + ".pub"
	}
	if _, err := os.Stat(public); err == nil {
		return nil // the public part is written last: it vouches for the key
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(path+".key", "PRIVATE KEY", private, 0o600); err != nil {
		return err
	}
	if r.Usage == "key" {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return err
		}
		return writePEM(public, "PUBLIC KEY", der, 0o644)
	}
	der, err := r.certificate(folder, key)
	if err != nil {
		return err
	}
	return writePEM(public, "CERTIFICATE", der, 0o644)
}

func (r request) certificate(folder string, key *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: r.CommonName, Organization: r.Organization},
		NotBefore:             time.Now().Add(-backdate),
		NotAfter:              time.Now().Add(validity),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IPAddresses:           r.IPs,
		DNSNames:              r.DNSNames,
	}
	if r.Usage == "authority" {
		template.IsCA = true
		template.KeyUsage |= x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		return x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	}
	usage, ok := usages[r.Usage]
	if !ok {
		return nil, fmt.Errorf("usage %q: expected authority, server, client, peer or key", r.Usage)
	}
	template.ExtKeyUsage = usage
	authority, signer, err := load(filepath.Join(folder, r.CA))
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", r.CA, err)
	}
	return x509.CreateCertificate(rand.Reader, template, authority, key.Public(), signer)
}

func load(path string) (*x509.Certificate, crypto.Signer, error) {
	der, err := readPEM(path + ".crt")
	if err != nil {
		return nil, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	if der, err = readPEM(path + ".key"); err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("%s.key holds a %T, which cannot sign", path, key)
	}
	return certificate, signer, nil
}

func readPEM(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: no PEM block", path)
	}
	return block.Bytes, nil
}

// writePEM replaces path in one step, so that an interrupted run leaves no half-written key.
func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(path+".new", text, mode); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
