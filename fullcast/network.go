package fullcast

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/fullcast/sfauth/oauthflow"
)

// networkCause says in words why a host could not be reached.
func networkCause(err error) string {
	var dns *net.DNSError
	var e *oauthflow.Error
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, oauthflow.ErrOwnNetwork) && errors.As(err, &e):
		return e.Err.Error()
	case noSuchHost(err):
		return "there is no such host; a My Domain that was renamed, or an org that is gone"
	case errors.As(err, &dns):
		return "its name cannot be resolved at the moment"
	case errors.As(err, &cert):
		return "its certificate is not trusted; something on the way answers in its place"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "no answer in the time that was given"
	}
	return "no connection"
}

func noSuchHost(err error) bool {
	var dns *net.DNSError
	return !errors.Is(err, oauthflow.ErrOwnNetwork) && errors.As(err, &dns) && dns.IsNotFound
}
