package fullcasttest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// failed runs what must fail a test, and returns how.
func failed(do func(t *refused)) string {
	t := &refused{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(t)
	}()
	<-done
	return t.text
}

// refused is a test that is failed.
type refused struct{ text string }

func (t *refused) Helper() {}

func (t *refused) Fatalf(format string, args ...any) {
	t.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func connector(t *testing.T, c fullcast.Config) *fullcast.Connector {
	t.Helper()
	sf, err := fullcast.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sf.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return sf
}

// said is what two answers are compared by: status, where it redirects to, and the code and words of a refusal.
func said(t *testing.T, transport http.RoundTripper, req *http.Request) string {
	t.Helper()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	words := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Location"), " ")
	for _, name := range []string{"error", "error_description", "errorCode", "message", "active"} {
		if _, rest, ok := strings.Cut(string(body), `"`+name+`":`); ok {
			value, _, _ := strings.Cut(strings.TrimPrefix(rest, `"`), `"`)
			words += name + "=" + strings.TrimRight(value, ",}\n") + " "
		}
	}
	return words
}

func posted(t *testing.T, where string, c oauthflow.Client, form url.Values) *http.Request {
	t.Helper()
	form.Set("client_id", c.ID)
	if !form.Has("client_secret") {
		form.Set("client_secret", c.Secret.Reveal())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, where, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	return req
}

func called(t *testing.T, where, accessToken string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, where, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	return req
}
