package oauthflow_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/canary/repeat"
	"github.com/fullcast/sfauth/internal/canary/search"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestAServerThatRepeatsARequestInAnyPlaceOfItsAnswerShowsNoSecretOfIt(t *testing.T) {
	calls := wireCalls(t)
	told, number, seen := 0, 0, map[string]bool{}
	for echo := range repeat.All() {
		if number++; !needs.OneIn(7, number) {
			continue
		}
		var verifier string
		rt := carrier(func(r *http.Request) (*http.Response, error) {
			if r.Body != nil {
				b, err := io.ReadAll(r.Body)
				if err != nil {
					return nil, err
				}
				r.Body = io.NopCloser(strings.NewReader(string(b)))
				form, _ := url.ParseQuery(string(b))
				verifier = form.Get("code_verifier")
			}
			return echo.RoundTrip(r)
		})
		flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: rt})
		if err != nil {
			t.Fatal(err)
		}
		calls["an API call whose refusal is explained"] = func(*oauthflow.Flow) error { return explained(t, echo) }
		for name, call := range calls {
			err := call(flow)
			if err == nil {
				continue
			}
			told++
			text := repeat.Shown(err)
			if seen[text] {
				continue
			}
			seen[text] = true
			if what := search.New([]string{wireSecret, wireAccess, wireRefresh, wireCode, verifier}).Find(text); what != "" {
				t.Errorf("%s, answered by %s, shows %s: %v", name, echo, what, err)
			}
			if line := err.Error(); strings.ContainsFunc(line, steers) {
				t.Errorf("%s, answered by %s, is not one printable line: %q", name, echo, line)
			}
		}
	}
	if told < needs.Size(5000, 700) {
		t.Errorf("only %d calls have failed", told)
	}
}

// explained is what ResponseError says of the answer to requests that carry the session in all the ways that there are.
func explained(t *testing.T, echo repeat.Echo) error {
	t.Helper()
	body := "<e><sessionId>" + wireAccess + "</sessionId></e>"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+wireHost+"/services/Soap/c/66.0?access_token="+wireAccess, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("SOAPAction", `""`)
	req.Header.Set("X-SFDC-Session", wireAccess)
	req.Header.Set("Cookie", "sid="+wireAccess)
	resp, err := echo.RoundTrip(req)
	if err != nil {
		return nil // it was never wrapped by this package
	}
	if resp.Request == nil {
		resp.Request = req
	}
	return oauthflow.ResponseError(resp)
}

// steers reports whether a character could steer a terminal, begin a line, turn text around or hide in it.
func steers(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xad || r == 0x61c || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e ||
		r >= 0x2060 && r <= 0x206f || r == 0xfeff || r >= 0xe0000 && r <= 0xe007f
}
