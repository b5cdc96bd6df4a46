package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// wire carries requests and keeps the answers, so that the SDK does the talking and the probe sees what it heard. Under
// it the SDK cannot harden its token calls as it does for an *http.Transport, which a probe can do without.
type wire struct {
	base http.RoundTripper

	mu    sync.Mutex
	heard []heard
}

// heard is one answer.
type heard struct {
	method, path string
	status       int
	form         string // media type
	location     string // of a redirect
	body         []byte
}

const maxBody = 1 << 20

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	form, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = append(w.heard, heard{req.Method, req.URL.Path, resp.StatusCode, form, resp.Header.Get("Location"), body})
	return resp, nil
}

// last returns the latest answer from a path; a zero one when there was none.
func (w *wire) last(method, path string) heard {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range slices.Backward(w.heard) {
		if h.method == method && strings.HasPrefix(h.path, path) {
			return h
		}
	}
	return heard{}
}

// get asks for a path of a host with an access token, which may be empty.
func (w *wire) get(ctx context.Context, origin, path, token string) (heard, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+path, nil)
	if err != nil {
		return heard{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := w.RoundTrip(req)
	if err != nil {
		return heard{}, err
	}
	return w.last(http.MethodGet, req.URL.Path), resp.Body.Close()
}

// object returns the members of a JSON object; none when it is something else.
func (h heard) object() map[string]any {
	var m map[string]any
	_ = json.Unmarshal(h.body, &m) // whatever else it is has no members
	return m
}

// text returns a member that is a string.
func (h heard) text(name string) string {
	s, _ := h.object()[name].(string)
	return s
}

func (h heard) names() []string { return slices.Sorted(maps.Keys(h.object())) }

// start returns the beginning of a body that has no members.
func (h heard) start() string {
	const enough = 120
	return strings.ToValidUTF8(string(h.body[:min(len(h.body), enough)]), "")
}
