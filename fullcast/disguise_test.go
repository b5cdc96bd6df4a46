package fullcast_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// disguise gives tokens and secrets a form that is none of a secret of Salesforce's on their way to the SDK, and their own on the way
// to the org: only who is told that they were sent knows them.
type disguise struct {
	next http.RoundTripper

	mu   sync.Mutex
	real map[string]string // by what stands for it
}

// of returns what stands for a secret.
func (d *disguise) of(secret string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for worn, s := range d.real {
		if s == secret {
			return worn
		}
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	worn := make([]byte, 36)
	for i := range worn {
		worn[i] = letters[rand.IntN(len(letters))]
	}
	worn[8], worn[16], worn[24] = '-', '.', '-'
	d.real[string(worn)] = secret
	return string(worn)
}

func (d *disguise) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.real))
}

// doffed is text with the secrets themselves, as write writes them.
func (d *disguise) doffed(text string, write func(string) string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for worn, secret := range d.real {
		text = strings.ReplaceAll(text, worn, write(secret))
	}
	return text
}

func (d *disguise) RoundTrip(req *http.Request) (*http.Response, error) {
	asked := req.Clone(req.Context())
	for name, values := range asked.Header {
		for i, v := range values {
			asked.Header[name][i] = d.doffed(v, func(s string) string { return s })
		}
	}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		write := url.QueryEscape
		if strings.Contains(req.URL.Path, "/Soap/") {
			write = func(s string) string { return s }
		}
		text := d.doffed(string(body), write)
		asked.ContentLength = int64(len(text))
		asked.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		asked.Body, _ = asked.GetBody()
	}
	resp, err := d.next.RoundTrip(asked)
	if err != nil {
		return nil, err
	}
	resp.Request = req
	if req.URL.Path != "/services/oauth2/token" {
		return resp, nil
	}
	var members map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&members); err != nil {
		return nil, err
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		if secret, is := members[name].(string); is {
			members[name] = d.of(secret)
		}
	}
	body, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}
