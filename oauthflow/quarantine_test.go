package oauthflow_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// forged changes one character of the id_token's signature.
func forged(resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	if id, ok := m["id_token"].(string); ok {
		i := strings.LastIndex(id, ".") + 5
		other := "A"
		if id[i:i+1] == other {
			other = "B"
		}
		m["id_token"] = id[:i] + other + id[i+1:]
	}
	if body, err = json.Marshal(m); err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

func TestALoginWithAForgedIDTokenIsRefusedAndItsTokensRevoked(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	cb := w.begin(m, mainKey)
	w.wire.after = forged
	_, err := m.Complete(t.Context(), cb)
	wantKind(t, err, oauthflow.KindIDToken)
	if _, err := m.Load(t.Context(), mainKey); !errors.Is(err, oauthflow.ErrNotFound) {
		t.Errorf("the connection is stored all the same: %v", err)
	}
	if err := m.Close(t.Context()); err != nil { // waits for what runs in the background
		t.Fatal(err)
	}
	w.wantEvents("revoke", "ok", 1)
}

func TestARefreshWithAForgedIDTokenLosesNoRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		s := m.Source(mainKey)
		old := w.token(s)
		w.org.ExpireSessions()
		w.wire.after = forged
		_, err := s.Replace(t.Context(), old)
		wantKind(t, err, oauthflow.KindIDToken)
		if tok, err := s.TokenContext(t.Context()); err == nil {
			t.Errorf("a token is handed out: alive %v", w.alive(tok.AccessToken))
		}
		if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusSuspended {
			t.Errorf("the connection is %v, %v; want suspended", c.Status, err)
		}
		w.wire.after = nil
		time.Sleep(10 * time.Minute)
		if got := w.token(s); !w.alive(got) {
			t.Error("the token after it is dead")
		}
		w.wantEvents("refresh", "reuse", 0)
		w.wantEvents("refresh", "ok", 2)
	})
}
