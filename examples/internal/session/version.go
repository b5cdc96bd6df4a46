package session

import (
	"context"
	"errors"
	"net/http"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
)

// Versions returns the API versions that the org's apps are to be read with; see [fullcast.APIVersionsToRead].
func (s Source) Versions(ctx context.Context, transport http.RoundTripper) ([]metadata.APIVersion, error) {
	at, err := s.address(ctx, transport)
	if err != nil {
		return nil, err
	}
	return fullcast.APIVersionsToRead(metadata.ServedVersions(ctx, transport, at))
}

// address returns the org's origin.
func (s Source) address(ctx context.Context, transport http.RoundTripper) (at string, err error) {
	if s.instanceURL != "" {
		return s.instanceURL, nil
	}
	s.place.Transport = transport
	sf, err := s.place.Open()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, sf.Close()) }()
	conn, err := sf.Connection(ctx)
	if err != nil {
		return "", err
	}
	return conn.InstanceURL(ctx)
}
