package oauthflow_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// Of all that an API may answer, the transport heals an ended session of the token that it has sent, and looks where the org is now
// after the words of a host that does not serve it; nothing else.
func TestARefusalComesBackThroughTheTransportAsItIsAndCanBeUnderstood(t *testing.T) {
	for _, c := range resourceAnswers {
		t.Run(c.name, func(t *testing.T) {
			f := &far{answer: func(int, *http.Request) *http.Response { return answered(c.status, c.body) }}
			w, _, client := call(t, orgtest.Config{}, f)
			resp, err := client.Get(w.org.InstanceURL() + "/services/apexrest/orders") // where a page may be a developer's
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			e := wireError(t, oauthflow.ResponseError(resp), c.kind)
			if e.Status != c.status || e.Code != c.code || e.Host != "acme.my.salesforce.com" || !strings.Contains(e.Sentence(), c.word) {
				t.Errorf("%v, code %q, sentence %q", e, e.Code, e.Sentence())
			}
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != c.body {
				t.Errorf("the body is %q (%v) afterwards", body, err)
			}
			refreshes := 0
			if c.kind == oauthflow.KindSession && c.status < 500 { // SOAP's session is in a body that only its sender can change
				refreshes = 1
			}
			requests := 1 + refreshes
			if strings.Contains(c.body, "URL_NOT_RESET") || strings.Contains(c.body, "Destination URL not reset") {
				refreshes = 1
			}
			if w.wire.refreshes() != refreshes || len(f.requests) != requests {
				t.Errorf("%d refreshes and %d requests, want %d and %d", w.wire.refreshes(), len(f.requests), refreshes, requests)
			}
			if c.code == "" {
				return
			}
			if again := oauthflow.Refusal(e.Status, e.Code, e.Description); again.Kind != c.kind || again.Sentence() != e.Sentence() {
				t.Errorf("as code and message it is %q: %s", again.Kind, again.Sentence())
			}
		})
	}
}

func TestAnAnswerThatIsNoRefusalIsNoError(t *testing.T) {
	for _, status := range []int{200, 201, 204, 300, 304} {
		resp := answered(status, ended)
		if err := oauthflow.ResponseError(resp); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
	if err := oauthflow.ResponseError(&http.Response{StatusCode: 503}); err == nil { // without a body, as test doubles make it
		t.Error("503 is no error")
	}
}

func TestARefusalThatRepeatsTheTokenIsWithheld(t *testing.T) {
	const token = "Zq/7+ab9?x" // too short to look like one
	r := mustRequest(t, "https://acme.my.salesforce.com/x")
	r.Header.Set("Authorization", "Bearer "+token)
	resp := answered(403, rest("INSUFFICIENT_ACCESS", "the token "+token+" may not"))
	resp.Request = r
	e := wireError(t, oauthflow.ResponseError(resp), oauthflow.KindUserPolicy)
	if strings.Contains(fmt.Sprintf("%+v %s", e, e.Sentence()), token) || e.Description != "[redacted]" {
		t.Errorf("got %+v", e)
	}
}

func TestASessionInABulkHeaderIsItsSendersToReplace(t *testing.T) {
	const body = `<error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>InvalidSessionId</exceptionCode></error>`
	for _, own := range []string{"", "X-Sfdc-Session", "X-SFDC-Session", "x-sfdc-session"} {
		f := &far{answer: once(400, body)}
		w, _, client := call(t, orgtest.Config{}, f)
		req := mustRequest(t, w.org.InstanceURL()+"/services/async/66.0/job")
		status, refreshes := 200, 1
		if own != "" {
			req.Header[own] = []string{"its own"}
			status, refreshes = 400, 0
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status || w.wire.refreshes() != refreshes {
			t.Errorf("with a session of its own in %q: status %d after %d refreshes, want %d after %d", own, resp.StatusCode, w.wire.refreshes(), status, refreshes)
		}
	}
}

func TestAnInstanceThatDoesNotExistAnyMoreIsToldApart(t *testing.T) {
	for _, c := range []struct {
		gone bool
		when int // request that fails
	}{{true, 1}, {true, 2}, {false, 1}} {
		n := 0
		network := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "lookup failed", Name: "acme.my.salesforce.com", IsNotFound: c.gone}}
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		client := &http.Client{Transport: m.Source(mainKey).Transport(carrier(func(r *http.Request) (*http.Response, error) {
			if n++; n == c.when {
				return nil, network
			}
			return answered(401, ended), nil
		}))}
		_, err := client.Get(w.org.InstanceURL() + "/x")
		if errors.Is(err, oauthflow.ErrNoSuchHost) != c.gone || !c.gone && !errors.Is(err, network) {
			t.Errorf("request %d, no such host %v: got %v", c.when, c.gone, err)
		}
		if e := (*oauthflow.Error)(nil); c.gone && (!errors.As(err, &e) || !strings.Contains(e.Sentence(), "My Domain renamed")) {
			t.Errorf("got %v", err)
		}
	}
}
