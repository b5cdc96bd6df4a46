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

// What is sent has no form of a secret of Salesforce's: only who is told that it was sent knows it.
const (
	formlessSecret  = "PuRPLe-MeaDoW.TWeLVe-STaRLiNG.CoPPeR-LaNe"
	formlessAccess  = "QuIeT-MaPLe.SeVeN-RiVeR.AmBeR-QuILL"
	formlessRefresh = "HoLLoW-CeDaR.NiNeTY-BRiDGe.IVoRY-THiMBLe"
	formlessCode    = "SLeePY-WaLNuT.FoRTY-HaRBouR.RuSTY-VeLVeT"
)

// everyRequest makes each request that a Flow can make, and returns all that comes back of it.
func everyRequest(t *testing.T, flow *oauthflow.Flow, echo repeat.Echo) map[string][]any {
	t.Helper()
	c := wireClient(t, wireHost)
	c.Secret = oauthflow.NewSecret(formlessSecret)
	token := wireToken()
	token.AccessToken, token.RefreshToken = oauthflow.NewSecret(formlessAccess), oauthflow.NewSecret(formlessRefresh)
	ctx, back := t.Context(), map[string][]any{}
	p, _, q := wireBegin(t, flow, c, oauthflow.AuthorizeOptions{})
	q.Set("code", formlessCode)
	got, err := flow.Exchange(ctx, p, q)
	back["exchange"] = values(got, err)
	got, err = flow.Refresh(ctx, c, token)
	back["refresh"] = values(got, err)
	back["revoke"] = []any{flow.Revoke(ctx, c, token)}
	found, err := flow.Introspect(ctx, c, token)
	back["introspect"] = []any{found, err}
	id, err := flow.Identity(ctx, token)
	back["identity"] = []any{id, err}
	id, err = flow.UserInfo(ctx, token)
	back["userinfo"] = []any{id, err}
	back["an API call whose refusal is explained"] = []any{explained(t, echo)}
	return back
}

func values(token *oauthflow.Token, err error) []any {
	if token == nil {
		return []any{err}
	}
	return []any{*token, err}
}

func whoseResult(echo repeat.Echo) repeat.Echo {
	return echo.About(repeat.User{Org: wireOrg, ID: wireUser, Instance: "https://" + wireHost})
}

// What the test below proves of a success, it proves only where the success is read.
func TestTheResultsThatRepeatARequestAreReadWhereTheirWordsAreHarmless(t *testing.T) {
	const harmless = "Harmless_Words"
	echo := whoseResult(repeat.Result().Saying(harmless))
	for call, back := range everyRequest(t, wireFlow(t, echo), echo) {
		shown := ""
		for _, v := range back {
			if err, failed := v.(error); failed {
				t.Errorf("%s: %v", call, err)
			}
			shown += repeat.Shown(v)
		}
		if len(back) > 1 && !strings.Contains(shown, harmless) {
			t.Errorf("%s shows no word of the answer: %s", call, shown)
		}
	}
}

func TestAServerThatRepeatsARequestInAnyPlaceOfItsAnswerShowsNoSecretOfIt(t *testing.T) {
	number := 0
	var seen repeat.Seen
	for echo := range repeat.All() {
		if number++; !needs.OneIn(7, number) {
			continue
		}
		echo = whoseResult(echo)
		var verifier string
		rt := carrier(func(r *http.Request) (*http.Response, error) {
			if r.Body != nil {
				b, err := io.ReadAll(r.Body)
				if err != nil {
					return nil, err
				}
				r.Body = io.NopCloser(strings.NewReader(string(b)))
				if form, _ := url.ParseQuery(string(b)); form.Has("code_verifier") {
					verifier = form.Get("code_verifier")
				}
			}
			return echo.RoundTrip(r)
		})
		flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: rt})
		if err != nil {
			t.Fatal(err)
		}
		for name, back := range everyRequest(t, flow, echo) {
			for v, text := range seen.Fresh(back) {
				known := []string{formlessSecret, formlessAccess, formlessRefresh, formlessCode, repeat.Answered, verifier}
				if what := search.New(known).Find(text); what != "" {
					t.Errorf("%s, answered by %s, shows %s: %v", name, echo, what, v)
				}
				if err, failed := v.(error); failed && strings.ContainsFunc(err.Error(), steers) {
					t.Errorf("%s, answered by %s, is not one printable line: %q", name, echo, err)
				}
			}
		}
	}
	if seen.Values < needs.Size(5000, 700) {
		t.Errorf("only %d values were shown", seen.Values)
	}
}

// explained is what ResponseError says of the answer to requests that carry the session in all the ways that there are.
func explained(t *testing.T, echo repeat.Echo) error {
	t.Helper()
	body := "<e><sessionId>" + formlessAccess + "</sessionId></e>"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+wireHost+"/services/Soap/c/66.0?access_token="+formlessAccess, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("SOAPAction", `""`)
	req.Header.Set("X-SFDC-Session", formlessAccess)
	req.Header.Set("Cookie", "sid="+formlessAccess)
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
