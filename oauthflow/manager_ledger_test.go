package oauthflow_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// liveApprovals are the approvals of the org's ledger that nobody ended.
func (w *world) liveApprovals() []int {
	alive := map[int]bool{}
	for _, e := range w.org.Ledger() {
		switch {
		case e.Event == "exchange" && e.Outcome == "ok":
			alive[e.Approval] = true
		case e.Event == "revoke" && e.Presented > 0, e.Outcome == "reuse", e.Event == "approval dropped":
			delete(alive, e.Approval)
		}
	}
	return slices.Sorted(maps.Keys(alive))
}

// active asks the org about a refresh token.
func (w *world) active(refresh string) bool {
	w.t.Helper()
	c := w.client()
	form := url.Values{"token": {refresh}, "client_id": {c.ID}, "client_secret": {c.Secret.Reveal()}}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "https://"+w.org.LoginHost()+"/services/oauth2/introspect", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := w.org.RoundTripper().RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Active bool }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		w.t.Fatal(err)
	}
	return answer.Active
}

// collector reads the tokens out of answers on their way.
type collector struct {
	mu              sync.Mutex
	access, refresh []string
}

func newCollector() *collector { return &collector{} }

func (c *collector) collect(r *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if json.Unmarshal(body, &answer) == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if answer.Access != "" {
			c.access = append(c.access, answer.Access)
		}
		if answer.Refresh != "" {
			c.refresh = append(c.refresh, answer.Refresh)
		}
	}
	return r, nil
}

func (c *collector) add(access string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.access = append(c.access, access)
}

func (c *collector) tokens() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.access)
}
func (c *collector) refreshTokens() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.refresh)
}

// replaceIn returns a tap that writes another text into the answers.
func replaceIn(from, to string) func(*http.Response) (*http.Response, error) {
	return func(r *http.Response) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(body, []byte(from), []byte(to))))
		return r, nil
	}
}
