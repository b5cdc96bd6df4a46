package session

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
)

// Version returns the API version that the org's apps are to be read with; see [fullcast.ChooseAPIVersion].
func (s Source) Version(ctx context.Context, transport http.RoundTripper) (metadata.APIVersion, error) {
	at, err := s.address(ctx, transport)
	if err != nil {
		return 0, err
	}
	return fullcast.ChooseAPIVersion(served(ctx, at, transport))
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

// served asks an org for the versions that it serves, which needs no session; nil where it does not tell.
func served(ctx context.Context, instanceURL string, transport http.RoundTripper) []metadata.APIVersion {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, instanceURL+"/services/data/", http.NoBody)
	if err != nil {
		return nil
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var list []struct{ Version string }
	if resp.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&list) != nil {
		return nil
	}
	var all []metadata.APIVersion
	for _, l := range list {
		number, _, _ := strings.Cut(l.Version, ".")
		if n, err := strconv.ParseUint(number, 10, 16); err == nil {
			all = append(all, metadata.APIVersion(n))
		}
	}
	return all
}

// TooNew reports whether the org refuses what it was asked for because of the API version, though it lists that version.
func TooNew(err error) bool {
	var e *metadata.Error
	return errors.As(err, &e) && (e.Code == "INVALID_TYPE" || e.Code == "UNSUPPORTED_API_VERSION")
}
