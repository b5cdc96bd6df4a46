package oauthflow_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// withIDToken puts another id_token into an answer, made of its own.
func withIDToken(other func(own string) any) func(*http.Response) (*http.Response, error) {
	return func(resp *http.Response) (*http.Response, error) {
		var m map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
			return nil, err
		}
		own, _ := m["id_token"].(string)
		m["id_token"] = other(own)
		body, err := json.Marshal(m)
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return resp, err
	}
}

// forged changes one character of the id_token's signature.
func forged(own string) any {
	i := strings.LastIndex(own, ".") + 5
	other := "A"
	if own[i:i+1] == other {
		other = "B"
	}
	return own[:i] + other + own[i+1:]
}

func TestALoginWithAForgedIDTokenIsRefusedAndItsTokensRevoked(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	cb := w.begin(m, mainKey)
	w.wire.tap(nil, withIDToken(forged))
	_, err := m.Complete(t.Context(), cb)
	wantKind(t, err, oauthflow.KindIDToken)
	if _, err := m.Load(t.Context(), mainKey); !errors.Is(err, tokenstore.ErrNotFound) {
		t.Errorf("the connection is stored all the same: %v", err)
	}
	if err := m.Close(t.Context()); err != nil { // waits for what runs in the background
		t.Fatal(err)
	}
	w.wantEvents("revoke", "ok", 1)
}

// Who has answered a refresh is told by its id alone.
func TestTheIDTokenOfARefreshIsIgnored(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	org, gets := w.wire.base, 0
	w.wire.base = carrier(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			gets++
		}
		return org.RoundTrip(r)
	})
	value := func(v any) func(string) any { return func(string) any { return v } }
	for name, other := range map[string]func(string) any{
		"forged": forged, "none": value(nil), "empty": value(""), "no JWT": value("eyJ.e.s"), "of blanks": value("a b c"),
		"of 20 KiB": value(strings.Repeat("x", 20<<10)), "a number": value(7), "an object": value(map[string]any{"iss": "x"}),
	} {
		w.wire.tap(nil, withIDToken(other))
		old := w.token(s)
		w.org.ExpireSessions()
		if tok, err := s.Replace(t.Context(), old); err != nil || !w.alive(tok.AccessToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive {
		t.Errorf("the connection is %v, %v; want active", c.Status, err)
	}
	if gets != 0 {
		t.Errorf("%d requests for keys, want none", gets)
	}
}
