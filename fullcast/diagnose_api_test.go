package fullcast_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
)

// refusedAPI answers each call of the REST API in the same words, and hands all else on.
type refusedAPI struct {
	next   http.RoundTripper
	status int
	body   string
}

func (r refusedAPI) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(req.URL.Path, "/services/data/v") {
		return r.next.RoundTrip(req)
	}
	return &http.Response{StatusCode: r.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(r.body))}, nil
}

// Userinfo is no API, and goes on answering where none does. What refuses each call is the cause that is looked for, and not something
// that this user does not see.
func TestADiagnosisNamesWhatRefusesEachCallOfTheAPI(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		remedy fullcast.Remedy // 0: nothing that refuses all calls
	}{
		{403, `[{"errorCode":"API_DISABLED_FOR_ORG","message":"The REST API is not enabled for this Organization."}]`, fullcast.AdminEnablesAPI},
		{403, `[{"errorCode":"API_CURRENTLY_DISABLED","message":"API is not enabled for this user."}]`, fullcast.AdminEnablesAPI},
		{401, `[{"errorCode":"INVALID_SESSION_ID","message":"This session is not valid for use with the REST API"}]`, fullcast.AdminAllowsAPIAccess},
		{403, `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`, fullcast.Retry},
		{403, `[{"errorCode":"INSUFFICIENT_ACCESS","message":"insufficient access rights on cross-reference id"}]`, 0},
		{400, `[{"errorCode":"INVALID_TYPE","message":"sObject type is not supported."}]`, 0},
	} {
		t.Run(c.body, func(t *testing.T) {
			w := newWorld(t, config{})
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			w.connect(t)
			sf := w.connector(t, w.store, func(cfg *fullcast.Config) { cfg.Transport = refusedAPI{w.rec, c.status, c.body} })
			conn, err := sf.Open(t.Context(), main)
			if err != nil {
				t.Fatal(err)
			}
			d := conn.Diagnose(t.Context())
			var problems []fullcast.Remedy
			for _, l := range d.Lines {
				if l.Outcome == fullcast.OutcomeProblem {
					problems = append(problems, l.Remedy)
				}
			}
			if c.remedy == 0 && len(problems) == 0 {
				return
			}
			if len(problems) != 1 || problems[0] != c.remedy {
				t.Errorf("the problems are %v, want one with %q:\n%s", problems, c.remedy, d)
			}
		})
	}
}
