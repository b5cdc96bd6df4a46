package oauthflow_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A key may be connected to another org while a process still calls the former one, which may refuse a call when it likes.
func TestAnOrgThatAnotherHasTakenThePlaceOfIsNotSentTheTokenOfThatOne(t *testing.T) {
	for _, refusal := range []string{`401 [{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]`, "302", "unserved"} {
		t.Run(refusal, func(t *testing.T) {
			former, later := newWorld(t, orgtest.Config{MyDomain: "former"}), newWorld(t, orgtest.Config{MyDomain: "later"})
			later.store, later.keys = former.store, former.keys
			var mu sync.Mutex
			var heard []string // by the former org's host
			evil := false
			calls := carrier(func(r *http.Request) (*http.Response, error) {
				if !strings.HasPrefix(r.URL.Host, "former.") {
					return later.wire.RoundTrip(r)
				}
				mu.Lock()
				heard = append(heard, r.Header.Get("Authorization"))
				mu.Unlock()
				if !evil {
					return former.wire.RoundTrip(r)
				}
				switch refusal {
				case "302":
					return wireReply(r, 302, "", "Location", "https://later.my.salesforce.com"+r.URL.Path), nil
				case "unserved":
					return wireReply(r, 404, `[{"errorCode":"URL_NOT_RESET","message":"Destination URL not reset. The URL returned from login must be set"}]`), nil
				}
				return wireReply(r, 401, refusal[4:]), nil
			})
			old, now := former.manager(), later.manager()
			former.connect(old, mainKey)
			s := old.Source(mainKey)
			former.token(s)
			redirect, err := now.Begin(t.Context(), mainKey, later.client(), browser, oauthflow.AuthorizeOptions{LoginHint: later.user, ExpectOrg: later.org.ID()})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := now.Complete(t.Context(), later.approve(mainKey, redirect)); err != nil {
				t.Fatal(err)
			}
			token := later.token(now.Source(mainKey))
			evil = true
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://former.my.salesforce.com/services/data/v60.0/limits", nil)
			resp, err := s.Transport(calls).RoundTrip(req)
			if err == nil {
				resp.Body.Close()
			}
			if err != nil || resp.StatusCode == http.StatusOK {
				t.Errorf("the call is done in the later org: %v, %v", resp, err)
			}
			for _, h := range heard {
				if strings.Contains(h, token) {
					t.Errorf("the former org is sent the later one's token")
				}
			}
		})
	}
}
