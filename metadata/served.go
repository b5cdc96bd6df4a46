package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxVersionList is how many bytes of the list of versions are read.
const maxVersionList = 1 << 20

// ServedVersions asks an org for the API versions that it serves. The parameter instanceURL is the origin of the org, such as
// "https://acme.my.salesforce.com". The call needs no session. If transport is nil, http.DefaultTransport is used. Redirects are
// not followed. If the org does not answer the question, ServedVersions returns nil. That is no error, because each org serves
// the versions of three years.
//
// Source: REST API Developer Guide, "Versions".
func ServedVersions(ctx context.Context, transport http.RoundTripper, instanceURL string) []APIVersion {
	if transport == nil {
		transport = http.DefaultTransport
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, instanceURL+"/services/data/", http.NoBody)
	if err != nil {
		return nil
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxVersionList))
	var list []struct{ Version string }
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(unmarked(body), &list) != nil {
		return nil
	}
	var all []APIVersion
	for _, l := range list {
		number, _, _ := strings.Cut(l.Version, ".")
		if n, err := strconv.ParseUint(number, 10, 16); err == nil {
			all = append(all, APIVersion(n))
		}
	}
	return all
}

// VersionRefused reports whether an org refused a call because of its API version, although it lists that version. Example: the
// edition of the org does not have a type. Try an older version then. For nil it returns false.
func VersionRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == "INVALID_TYPE" || e.Code == "UNSUPPORTED_API_VERSION")
}
