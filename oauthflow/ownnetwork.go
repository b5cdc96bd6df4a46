package oauthflow

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"
)

// ErrOwnNetwork means that a request could not leave because of the network or the image that the service itself runs in: an
// address that is not public ([Config].PrivateNetworks), no certificates of authorities, or DNS that knows no name. It comes with
// [KindNotSent], or with [KindInDoubt] over a RoundTripper that is no *http.Transport. The operator of the service has to act, and
// nothing is wrong with the org. Whether DNS knows any name is asked, where a My Domain host does not exist, by a GET of what the
// generic login host publishes, once in ten seconds at most.
//
// Source: OpenID Connect Discovery §4 for that address.
var ErrOwnNetwork = errors.New("the fault is in the service's own network or image")

var (
	errNoNames = fmt.Errorf("%w: no name is resolved, not even that of Salesforce's login host; look after the DNS of the service", ErrOwnNetwork)
	errNoRoots = fmt.Errorf("%w: there are no certificates of authorities, so that no server can be trusted; install them in the image (package ca-certificates), "+
		"or name them in SSL_CERT_FILE", ErrOwnNetwork)
	errStranger = fmt.Errorf("%w: the server's certificate is of an authority that this machine does not trust; where a proxy inspects TLS, add its "+
		"authority to the image, else update the image's certificates of authorities", ErrOwnNetwork)
)

// insideError is about an address that no request goes to.
type insideError struct {
	addr netip.Addr // invalid where there is none
	text string     // what stands in its place
}

func (e *insideError) Error() string {
	if !e.addr.IsValid() {
		return fmt.Sprintf("address %q is no IP address and port, and so not a public address", e.text)
	}
	return fmt.Sprintf("the host resolves to %s, which is not a public address; where the service reaches Salesforce through such a network, "+
		"name that in Config.PrivateNetworks", e.addr)
}

// Is reports that the network is the service's own.
func (e *insideError) Is(target error) bool { return target == ErrOwnNetwork }

// ownFault returns what of the service's own network or image an error of a transport is about, fit to be shown; nil for nothing.
func ownFault(err error) error {
	var inside *insideError
	var unknown x509.UnknownAuthorityError
	var roots x509.SystemRootsError
	switch {
	case errors.As(err, &inside):
		return inside
	case errors.Is(err, errNoNames):
		return errNoNames
	case errors.As(err, &roots):
		return errNoRoots
	case !errors.As(err, &unknown):
		return nil
	}
	if pool, err := x509.SystemCertPool(); err != nil || pool.Equal(x509.NewCertPool()) {
		return errNoRoots
	}
	return errStranger
}

// names knows whether names of hosts are resolved at all.
type names struct {
	asking chan struct{} // holds one value while somebody asks, who has the other fields alone
	asked  time.Time
	none   bool
}

func newNames() *names { return &names{asking: make(chan struct{}, 1)} }

const (
	namesAge  = 10 * time.Second // for which an answer counts
	namesWait = 5 * time.Second
)

// noNames reports whether the host's name does not exist because no name does: where DNS answers of the generic login host that it
// does not exist, either, that is the service's own. The question is a request for what a login host publishes.
func (f *Flow) noNames(ctx context.Context, host string) bool {
	generic, cloud := "login.salesforce.com", Region("")
	if region, ok := loginRegion(host); ok {
		cloud = region
	} else {
		cloud, _ = apiCloud(host)
	}
	if cloud == China {
		generic = "login.sfcrmproducts.cn"
	}
	if (Host{host}).Generic() {
		return true
	}
	select {
	case f.names.asking <- struct{}{}:
		defer func() { <-f.names.asking }()
	case <-ctx.Done():
		return false
	}
	if now := time.Now(); !f.names.asked.IsZero() && now.Sub(f.names.asked) < namesAge {
		return f.names.none
	}
	ctx, cancel := context.WithTimeout(ctx, namesWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+generic+"/.well-known/openid-configuration", nil)
	if err != nil {
		return false
	}
	_, err = f.send(req)
	if ctx.Err() == nil || errors.Is(err, ErrNoSuchHost) {
		f.names.asked, f.names.none = time.Now(), errors.Is(err, ErrNoSuchHost)
	}
	return errors.Is(err, ErrNoSuchHost)
}

// named is err, or the fault of the service's own DNS where the host of a request does not exist because no name does.
func (f *Flow) named(ctx context.Context, host string, err error) error {
	if (errors.Is(err, ErrNoSuchHost) || noSuchHost(err)) && f.noNames(ctx, host) {
		return errNoNames
	}
	return err
}
