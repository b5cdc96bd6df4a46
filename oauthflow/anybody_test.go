package oauthflow_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// What a firewall, proxy or gateway on the way answers: pages, empty bodies, its own JSON.
var foreignBodies = map[string]string{
	"nothing":                "",
	"a page":                 "<!DOCTYPE html><html><head><title>Blocked</title></head><body>Access denied. Log in to the proxy.</body></html>",
	"a page of an ended day": "<html><body>Your license has expired. The session expired. This URL no longer exists. Data not available. invalid_client</body></html>",
	"text":                   "Forbidden",
	"a gateway's JSON":       `{"message":"Unauthorized","status":401}`,
	"JSON in OAuth's form":   `{"error":"expired","error_description":"the license has expired"}`,
	"a gateway's XML":        `<?xml version="1.0"?><error><code>AccessDenied</code><message>Access Denied</message></error>`,
}

// usual are the statuses of which all is tried also where only a share of the others is.
var usual = map[int]bool{302: true, 307: true, 400: true, 401: true, 403: true, 404: true, 410: true, 420: true, 429: true, 500: true, 503: true}

// causeless are the kinds of an answer of which nobody knows who has given it: it says whether to try again, and names no cause.
func causeless(k oauthflow.ErrorKind) bool {
	return k == oauthflow.KindUnknownAnswer || k == oauthflow.KindBusy || k == oauthflow.KindInDoubt
}

func TestAStatusWithoutAWordOfSalesforcesEndsNothingAndNamesNoCause(t *testing.T) {
	calls, number := wireCalls(t), 0
	for status := 300; status <= 599; status++ {
		for what, body := range foreignBodies {
			for op, ask := range calls {
				if number++; !usual[status] && !needs.OneIn(8, number) {
					continue
				}
				for _, location := range []string{"", "https://proxy.example/login", "/login"} {
					if location != "" && status >= 400 {
						continue
					}
					err := ask(wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
						return wireReply(r, status, body, "Content-Type", "text/html", "Location", location), nil
					})))
					e := foreignError(t, err)
					ended := status == 401 && body == "" && (op == "identity" || op == "userinfo") // as Salesforce says it, too
					if !causeless(e.Kind) && !(ended && e.Kind == oauthflow.KindSession) {
						t.Errorf("%s answered with %d, Location %q and %s: %q, %q", op, status, location, what, e.Kind, e.Sentence())
					}
					for _, cause := range []string{"My Domain", "Setup", "consumer", "profile"} {
						if strings.Contains(e.Sentence(), cause) || strings.Contains(e.Error(), cause) {
							t.Errorf("%s answered with %d, Location %q and %s names %q: %v; %q", op, status, location, what, cause, e, e.Sentence())
						}
					}
				}
			}
		}
	}
}

func TestAnAPICallThatSomebodyElseAnswersEndsNothingAndNamesNoCause(t *testing.T) {
	number := 0
	for _, path := range []string{"/services/data/v66.0/limits", "/services/Soap/m/66.0", "/services/async/66.0/job"} {
		f := &far{}
		w, s, client := call(t, orgtest.Config{}, f)
		client.CheckRedirect = oauthflow.CheckRedirect
		for status := 300; status <= 599; status++ {
			for what, body := range foreignBodies {
				if number++; !usual[status] && !needs.OneIn(8, number) || status == 401 && body == "" { // an ended session, as Salesforce says it, too
					continue
				}
				f.answer = func(int, *http.Request) *http.Response { return answered(status, body, "Content-Type", "text/html") }
				resp, err := client.Post(w.org.InstanceURL()+path, "text/plain", strings.NewReader("body"))
				if err != nil {
					t.Fatalf("%s answered with %d and %s: %v", path, status, what, err)
				}
				if err := oauthflow.ResponseError(resp); status >= 400 && (!causeless(foreignError(t, err).Kind) || strings.Contains(foreignError(t, err).Sentence(), "Setup")) {
					t.Errorf("%s answered with %d and %s: %v", path, status, what, err)
				}
				resp.Body.Close()
			}
		}
		if w.wire.refreshes() != 0 {
			t.Errorf("%s: %d refreshes", path, w.wire.refreshes())
		}
		w.token(s)
		if now, err := w.manager().Load(t.Context(), mainKey); err != nil || now.Status == oauthflow.StatusBroken {
			t.Errorf("%s: it is %v, %v", path, now.Status, err)
		}
	}
}
