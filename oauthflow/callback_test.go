package oauthflow_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/fullcast/sfauth/oauthflow"
)

// begunLogin is a login under way whose token endpoint counts what reaches it.
type begunLogin struct {
	flow     *oauthflow.Flow
	pending  oauthflow.Pending
	callback url.Values
	asked    int
}

func newBegunLogin(t testing.TB, host string) *begunLogin {
	b := new(begunLogin)
	b.flow = wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
		b.asked++
		return wireReply(r, 200, tokenAnswer(nil)), nil
	}))
	b.pending, _, b.callback = wireBegin(t, b.flow, wireClient(t, host), oauthflow.AuthorizeOptions{})
	return b
}

func TestACallbackThatIsNotOfThisLoginCostsNoRequest(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(url.Values)
	}{
		{"the state of another login", func(q url.Values) { q.Set("state", strings.Repeat("A", 43)) }},
		{"no state", func(q url.Values) { q.Del("state") }},
		{"an empty state", func(q url.Values) { q.Set("state", "") }},
		{"a state that is cut", func(q url.Values) { q.Set("state", q.Get("state")[:42]) }},
		{"a state that goes on", func(q url.Values) { q.Set("state", q.Get("state")+"A") }},
		{"a state of 64 KiB", func(q url.Values) { q.Set("state", strings.Repeat("A", 64<<10)) }},
		{"the state twice", func(q url.Values) { q.Add("state", q.Get("state")) }},
		{"the code twice", func(q url.Values) { q.Add("code", q.Get("code")) }},
		{"two codes", func(q url.Values) { q.Add("code", "aPrxother") }},
		{"an error twice", func(q url.Values) { q.Del("code"); q["error"] = []string{"access_denied", "access_denied"} }},
		{"a description twice", func(q url.Values) { q["error_description"] = []string{"a", "b"} }},
		{"code and error", func(q url.Values) { q.Set("error", "access_denied") }},
		{"a code and an empty error", func(q url.Values) { q.Set("error", "") }},
		{"no code", func(q url.Values) { q.Del("code") }},
		{"an empty code", func(q url.Values) { q.Set("code", "") }},
		{"a code with a blank", func(q url.Values) { q.Set("code", "aPrx abc") }},
		{"a code with a line break", func(q url.Values) { q.Set("code", "aPrx\r\nabc") }},
		{"a code of more than 2 KiB", func(q url.Values) { q.Set("code", strings.Repeat("a", 2049)) }},
		{"a description of more than 4 KiB", func(q url.Values) {
			q.Del("code")
			q.Set("error", "access_denied")
			q.Set("error_description", strings.Repeat("a", 4097))
		}},
		{"an error of more than 128 bytes", func(q url.Values) { q.Del("code"); q.Set("error", strings.Repeat("a", 129)) }},
		{"another issuer", func(q url.Values) { q.Set("iss", "https://evil.my.salesforce.com") }},
		{"the issuer with a slash", func(q url.Values) { q.Set("iss", "https://"+wireHost+"/") }},
		{"the issuer without its scheme", func(q url.Values) { q.Set("iss", wireHost) }},
		{"the issuer twice", func(q url.Values) { q["iss"] = []string{"https://" + wireHost, "https://" + wireHost} }},
		{"an empty issuer", func(q url.Values) { q.Set("iss", "") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBegunLogin(t, wireHost)
			c.change(b.callback)
			_, err := b.flow.Exchange(t.Context(), b.pending, b.callback)
			wireError(t, err, oauthflow.KindState)
			if b.asked != 0 {
				t.Errorf("%d requests were sent", b.asked)
			}
		})
	}
}

func TestAPendingThatWasNeverBegunTakesNoCallback(t *testing.T) {
	b := newBegunLogin(t, wireHost)
	for _, q := range []url.Values{{}, {"state": {""}, "code": {wireCode}}, b.callback} {
		_, err := b.flow.Exchange(t.Context(), oauthflow.Pending{}, q)
		wireError(t, err, oauthflow.KindState)
	}
	if b.asked != 0 {
		t.Errorf("%d requests were sent", b.asked)
	}
}

func TestACallbackOfThisLoginIsExchangedOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(url.Values)
	}{
		{"as Salesforce sends it today, without an issuer", func(url.Values) {}},
		{"with the issuer that was asked", func(q url.Values) { q.Set("iss", "https://"+wireHost) }},
		{"with parameters nobody knows", func(q url.Values) { q["sfdc_community_id"] = []string{"0DB1", "0DB1"}; q.Set("tab", "2") }},
		{"with a code of 2 KiB", func(q url.Values) { q.Set("code", strings.Repeat("a", 2048)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBegunLogin(t, wireHost)
			c.change(b.callback)
			if _, err := b.flow.Exchange(t.Context(), b.pending, b.callback); err != nil || b.asked != 1 {
				t.Errorf("%d requests, error %v; want the one with the code and none", b.asked, err)
			}
		})
	}
}

func TestACodeOfOneOrgNeverGoesToAnother(t *testing.T) {
	for range 1000 {
		a, b := newBegunLogin(t, "a.my.salesforce.com"), newBegunLogin(t, "b.my.salesforce.com")
		_, err := b.flow.Exchange(t.Context(), b.pending, a.callback)
		wireError(t, err, oauthflow.KindState)
		if a.asked+b.asked != 0 {
			t.Fatal("a code was sent to a host that did not issue it")
		}
	}
}

func TestACallbackErrorIsTypedAndBounded(t *testing.T) {
	for _, c := range []struct {
		name, code, description string
		kind                    oauthflow.ErrorKind
	}{
		{"denied", "access_denied", "end-user denied authorization", oauthflow.KindDenied},
		{"denied, as Salesforce's page spells it", "access-denied", "end-user denied authorization", oauthflow.KindDenied},
		{"denied in capitals", "ACCESS_DENIED", "", oauthflow.KindDenied},
		{"not approved by an admin", "OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app", oauthflow.KindUserPolicy},
		{"blocked", "OAUTH_APP_BLOCKED", "this app is blocked by admin", oauthflow.KindAppPolicy},
		{"not installed", "OAUTH_EC_APP_NOT_FOUND", "External client app is not installed in this org", oauthflow.KindAppMissing},
		{"something new", "OAUTH_SOMETHING_NEW", "who knows", oauthflow.KindUnknownAnswer},
		{"no code", "", "who knows", oauthflow.KindUnknownAnswer},
		{"HTML and control characters", "access_denied", "<script>\x00\x1b[31m\r\n" + strings.Repeat("long ", 400), oauthflow.KindDenied},
		{"a code that is none", "<b>\x00</b>", "", oauthflow.KindUnknownAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBegunLogin(t, wireHost)
			b.callback.Del("code")
			b.callback.Set("error", c.code)
			b.callback.Set("error_description", c.description)
			_, err := b.flow.Exchange(t.Context(), b.pending, b.callback)
			e := wireError(t, err, c.kind)
			if b.asked != 0 || len(e.Description) > 200 || strings.ContainsFunc(e.Error(), unicode.IsControl) || e.Kind.Terminal() {
				t.Errorf("%d requests, description of %d bytes, text %q", b.asked, len(e.Description), e)
			}
		})
	}
}

func FuzzCallback(f *testing.F) {
	for _, s := range []string{
		"code=aPrxabc%3D%3D&state=STATE", "error=access_denied&error_description=end-user+denied+authorization&state=STATE",
		"error=access-denied&state=STATE", "code=a&code=b&state=STATE", "code=a&error=b&state=STATE", "state=STATE",
		"code=a&state=STATE&iss=https%3A%2F%2Facme.my.salesforce.com", "code=a&state=STATE&iss=", "code=%00&state=STATE", ";&=&&%zz",
		"error=%1b%5b31m&error_description=%E2%80%A8%F0%9F%92%A9&state=STATE", "code=a&state=STATE&state=STATE",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		b := newBegunLogin(t, wireHost)
		state := b.callback.Get("state")
		q, _ := url.ParseQuery(strings.ReplaceAll(raw, "STATE", state))
		_, err := b.flow.Exchange(t.Context(), b.pending, q)
		mine := len(q["state"]) == 1 && q.Get("state") == state && len(q["code"]) == 1 && q.Get("code") != "" && !q.Has("error")
		if b.asked > 0 && !mine {
			t.Fatalf("%q: a request was sent for a callback that is not of this login", raw)
		}
		if err == nil {
			return
		}
		text := err.Error()
		if strings.Contains(text, state) || strings.ContainsFunc(text, unicode.IsControl) || len(text) > 700 {
			t.Fatalf("%q: the error is too long, holds the state or control characters: %q", raw, text)
		}
	})
}
