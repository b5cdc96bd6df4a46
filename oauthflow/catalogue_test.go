package oauthflow_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// told is how one of Salesforce's answers leaves a Flow: kind, and a word of the sentence for the admin.
type told struct {
	op, code, description string
	kind                  oauthflow.ErrorKind
	word                  string
}

func oauthBody(code, description string) string {
	b, err := json.Marshal(map[string]string{"error": code, "error_description": description})
	if err != nil {
		panic(err)
	}
	return string(b)
}

var tokenAnswers = []told{
	{"refresh", "invalid_grant", "expired access/refresh token", oauthflow.KindGrantDead, "no longer accepts"},
	{"refresh", "invalid_grant", "token request is already being processed", oauthflow.KindBusy, "tried again"},
	{"refresh", "invalid_grant", "expired authorization code", oauthflow.KindBusy, "tried again"},
	{"exchange", "invalid_grant", "expired authorization code", oauthflow.KindGrantDead, "15 minutes"},
	{"exchange", "invalid_grant", "invalid authorization code", oauthflow.KindGrantDead, "another org"},
	{"exchange", "invalid_grant", "Invalid Authorization Code", oauthflow.KindGrantDead, "another org"},
	{"exchange", "invalid_grant", "invalid code verifier", oauthflow.KindPKCE, "proof key"},
	{"exchange", "invalid_grant", "unexpected code verifier", oauthflow.KindPKCE, "proof key"},
	{"exchange", "invalid_grant", "invalid code challenge", oauthflow.KindPKCE, "proof key"},
	{"exchange", "invalid_request", "missing required code challenge", oauthflow.KindPKCE, "proof key"},
	{"exchange", "invalid_request", "invalid code verifier", oauthflow.KindPKCE, "proof key"},
	{"exchange", "invalid_grant", "authentication failure", oauthflow.KindUserPolicy, "API access"},
	{"refresh", "invalid_grant", "inactive user", oauthflow.KindUserPolicy, "frozen or inactive"},
	{"refresh", "inactive_user", "user is inactive", oauthflow.KindUserPolicy, "frozen or inactive"},
	{"refresh", "invalid_grant", "inactive organization", oauthflow.KindOrgGone, "suspended"},
	{"refresh", "inactive_org", "organization is locked, closed, or suspended", oauthflow.KindOrgGone, "suspended"},
	{"refresh", "invalid_grant", "ip restricted", oauthflow.KindIPRestricted, "network address"},
	{"refresh", "invalid_grant", "user hasn't approved this consumer", oauthflow.KindAppPolicy, "approved"},
	{"refresh", "invalid_grant", "no valid scopes defined", oauthflow.KindScope, "scopes"},
	{"refresh", "invalid_grant", "Data Not Available", oauthflow.KindOrgGone, "deleted"},
	{"refresh", "invalid_grant", "audience is invalid", oauthflow.KindInvalid, "My Domain"},
	{"refresh", "invalid_grant", "Audience validation failed", oauthflow.KindInvalid, "My Domain"},
	{"refresh", "invalid_grant", "token validity expired", oauthflow.KindGrantDead, "no longer accepts"},
	{"refresh", "invalid_client_id", "client identifier invalid", oauthflow.KindAppMissing, "consumer key"},
	{"refresh", "invalid_client", "invalid client credentials", oauthflow.KindClient, "consumer secret"},
	{"exchange", "invalid_client", "app must be installed into org", oauthflow.KindAppMissing, "installed"},
	{"refresh", "app_not_found", "External client app is not installed in this org", oauthflow.KindAppMissing, "is not in the org"},
	{"refresh", "invalid_app_access", "user is not admin approved to access this app", oauthflow.KindUserPolicy, "whom an admin approved"},
	{"refresh", "invalid_app_access", "this app is blocked by admin", oauthflow.KindUserPolicy, "blocked the app"},
	{"exchange", "redirect_uri_mismatch", "redirect_uri must match configuration", oauthflow.KindRedirect, "Callback URLs"},
	{"exchange", "invalid_scope", "the requested scope is invalid", oauthflow.KindScope, "Selected OAuth Scopes"},
	{"exchange", "unsupported_grant_type", "grant type not supported", oauthflow.KindAppPolicy, "flow"},
	{"exchange", "unauthorized_client", "", oauthflow.KindAppPolicy, "flow"},
	{"exchange", "unsupported_token_type", "", oauthflow.KindInvalid, "understand"},
	{"refresh", "invalid_request", "scope parameter not supported", oauthflow.KindInvalid, "scope"},
	{"exchange", "invalid_request", "too many scopes requested", oauthflow.KindScope, "Too many scopes"},
	{"exchange", "invalid_request", "must supply code", oauthflow.KindInvalid, "understand"},
	{"exchange", "rate_limit_exceeded", "number of login attempts exceeded limit", oauthflow.KindLimit, "hour"},
	{"exchange", "LOGIN_RATE_EXCEEDED", "", oauthflow.KindLimit, "hour"},
	{"refresh", "wrong_version", "credentials do not match current connected app version in the org", oauthflow.KindGrantDead, "older version"},
	{"refresh", "invalid_client_credentials", "", oauthflow.KindClient, "key and secret"},
	{"refresh", "server_error", "", oauthflow.KindBusy, "tried again"},
	{"refresh", "temporarily_unavailable", "", oauthflow.KindBusy, "tried again"},
	{"refresh", "invalid_grant", "", oauthflow.KindUnknownAnswer, "tried again"},
	{"refresh", "invalid_grant", "something that nobody has seen yet", oauthflow.KindUnknownAnswer, "tried again"},
	{"refresh", "a_new_code", "something that nobody has seen yet", oauthflow.KindUnknownAnswer, "tried again"},
}

var callbackAnswers = []told{
	{"callback", "access_denied", "end-user denied authorization", oauthflow.KindDenied, "Allow"},
	{"callback", "access-denied", "end-user denied authorization", oauthflow.KindDenied, "Allow"},
	{"callback", "OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app", oauthflow.KindUserPolicy, "whom an admin approved"},
	{"callback", "OAUTH_APP_BLOCKED", "this app is blocked by admin", oauthflow.KindAppPolicy, "blocked the app"},
	{"callback", "OAUTH_AUTHORIZATION_BLOCKED", "", oauthflow.KindAppPolicy, "admin"},
	{"callback", "OAUTH_EC_APP_NOT_FOUND", "External client app is not installed in this org", oauthflow.KindAppMissing, "is not in the org"},
	{"callback", "OAUTH_APPROVAL_ERROR_GENERIC", "An unexpected error has occurred during authentication", oauthflow.KindAppPolicy, "API access"},
	{"callback", "invalid_client", "app must be installed into org", oauthflow.KindAppMissing, "installed"},
	{"callback", "invalid_client_id", "client identifier invalid", oauthflow.KindAppMissing, "consumer key"},
	{"callback", "redirect_uri_mismatch", "redirect_uri must match configuration", oauthflow.KindRedirect, "Callback URLs"},
	{"callback", "invalid_request", "missing required code challenge", oauthflow.KindPKCE, "proof key"},
	{"callback", "immediate_unsuccessful", "", oauthflow.KindDenied, "logged in"},
	{"callback", "unsupported_response_type", "", oauthflow.KindAppPolicy, "web server flow"},
	{"callback", "invalid_scope", "", oauthflow.KindScope, "Scopes"},
	{"callback", "server_error", "", oauthflow.KindBusy, "tried again"},
}

// refused gives the error of one call that Salesforce refuses.
func refused(t *testing.T, c oauthflow.Client, op, code, description string, status int) error {
	t.Helper()
	f := wireFlow(t, says(status, oauthBody(code, description)))
	if op == "refresh" {
		_, err := f.Refresh(t.Context(), c, wireToken())
		return err
	}
	p, _, q := wireBegin(t, f, c, oauthflow.AuthorizeOptions{})
	if op == "callback" {
		q.Del("code")
		q.Set("error", code)
		if description != "" {
			q.Set("error_description", description)
		}
	}
	_, err := f.Exchange(t.Context(), p, q)
	return err
}

func TestEveryAnswerOfSalesforcesHasAKindAndASentence(t *testing.T) {
	for _, c := range append(tokenAnswers, callbackAnswers...) {
		t.Run(c.op+" "+c.code+" "+c.description, func(t *testing.T) {
			e := wireError(t, refused(t, wireClient(t, wireHost), c.op, c.code, c.description, 400), c.kind)
			if !strings.Contains(e.Sentence(), c.word) {
				t.Errorf("the sentence is %q, want %q in it", e.Sentence(), c.word)
			}
			if e.Code != c.code || e.Description != c.description || e.Op != c.op || e.Host != wireHost {
				t.Errorf("got %+v", e)
			}
			dead := c.kind == oauthflow.KindGrantDead || c.kind == oauthflow.KindOrgGone
			if e.Kind.Terminal() != dead {
				t.Errorf("%q ends the connection: %v", c.kind, e.Kind.Terminal())
			}
			if again := wireError(t, refused(t, wireClient(t, wireHost), c.op, strings.ToUpper(c.code), strings.ToUpper(c.description), 400), c.kind); again.Sentence() != e.Sentence() {
				t.Errorf("in capitals it means %q", again.Sentence())
			}
		})
	}
}

func TestTheStatusDecidesWhereNoCodeDoes(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		kind   oauthflow.ErrorKind
		word   string
	}{
		{"an expired scratch or trial org", 420, "<html>The data you were trying to access could not be found.</html>", oauthflow.KindBusy, "expired"},
		{"a redirect", 302, "", oauthflow.KindUnknownAnswer, "tried again"},
		{"a redirect that asks to repeat", 307, "", oauthflow.KindUnknownAnswer, "tried again"},
		{"too many requests", 429, "", oauthflow.KindBusy, "tried again"},
		{"maintenance", 503, "<html>maintenance</html>", oauthflow.KindBusy, "tried again"},
		{"a gateway", 502, "<html>bad gateway</html>", oauthflow.KindInDoubt, "checked"},
		{"a gateway that waited", 504, "", oauthflow.KindInDoubt, "checked"},
		{"a fault", 500, oauthBody("invalid_grant", "expired access/refresh token"), oauthflow.KindInDoubt, "checked"},
		{"HTML with 400", 400, "<html>expired access/refresh token</html>", oauthflow.KindUnknownAnswer, "tried again"},
		{"HTML with 403", 403, "<html>", oauthflow.KindUnknownAnswer, "tried again"},
		{"HTML with 404", 404, "<html>", oauthflow.KindUnknownAnswer, "tried again"},
		{"a refusal that is cut", 400, `{"error":"invalid_grant","error_desc`, oauthflow.KindUnknownAnswer, "tried again"},
		{"a success with another status", 201, tokenAnswer(nil), oauthflow.KindUnknownAnswer, "tried again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := refreshWith(t, says(c.status, c.body))
			e := wireError(t, err, c.kind)
			if e.Status != c.status || !strings.Contains(e.Sentence(), c.word) || strings.Contains(e.Error(), "html") {
				t.Errorf("%v, sentence %q", e, e.Sentence())
			}
			if redirect := c.status/100 == 3; redirect != strings.Contains(e.Error(), "no host of Salesforce's") {
				t.Errorf("%v does not say what became of the redirect", e)
			}
		})
	}
}

func rest(code, message string) string {
	return fmt.Sprintf(`[{"message":%q,"errorCode":%q}]`, message, code)
}

// resourceAnswers is how one of the org's APIs refuses a request, and what that means.
var resourceAnswers = []struct {
	name   string
	status int
	body   string
	kind   oauthflow.ErrorKind
	code   string
	word   string
}{
	{"an ended session", 401, rest("INVALID_SESSION_ID", "Session expired or invalid"), oauthflow.KindSession, "INVALID_SESSION_ID", "renewed"},
	{"a session that may not use the API", 401, rest("INVALID_SESSION_ID", "This session is not valid for use with the REST API"), oauthflow.KindAppPolicy, "INVALID_SESSION_ID", "assurance"},
	{"an app without its agent", 401, rest("INVALID_SESSION_ID", "Connected app is not attached to Agent"), oauthflow.KindAppPolicy, "INVALID_SESSION_ID", "agent"},
	{"a bad header", 401, rest("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"), oauthflow.KindInvalid, "INVALID_AUTH_HEADER", "instance URL"},
	{"a token of another issuer", 401, rest("INVALID_ISS", ""), oauthflow.KindInvalid, "INVALID_ISS", "instance URL"},
	{"a token of another issuer, in full", 401, rest("INVALID_ISSUER", ""), oauthflow.KindInvalid, "INVALID_ISSUER", "instance URL"},
	{"401 without a word", 401, "", oauthflow.KindSession, "", "renewed"},
	{"the identity service's word", 403, "Bad_OAuth_Token", oauthflow.KindSession, "Bad_OAuth_Token", "renewed"},
	{"the same word with a line end", 403, "Bad_OAuth_Token\n", oauthflow.KindSession, "Bad_OAuth_Token", "renewed"},
	{"the API limit", 403, rest("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED", "24 hours"},
	{"no API in the org", 403, rest("API_DISABLED_FOR_ORG", ""), oauthflow.KindUserPolicy, "API_DISABLED_FOR_ORG", "API"},
	{"no API at the moment", 403, rest("API_CURRENTLY_DISABLED", ""), oauthflow.KindUserPolicy, "API_CURRENTLY_DISABLED", "API"},
	{"an expired password", 403, rest("INVALID_OPERATION_WITH_EXPIRED_PASSWORD", ""), oauthflow.KindUserPolicy, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "password"},
	{"a missing permission", 403, rest("INSUFFICIENT_ACCESS_OR_READONLY", ""), oauthflow.KindUserPolicy, "INSUFFICIENT_ACCESS_OR_READONLY", "permission"},
	{"a missing permission for what is referred to", 400, rest("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", ""), oauthflow.KindUserPolicy, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "permission"},
	{"the login host taken for the instance", 404, rest("URL_NOT_RESET", "Destination URL not reset. The URL returned from login must be set"), oauthflow.KindInvalid, "URL_NOT_RESET", "instance URL"},
	{"the same in other words", 404, rest("URL_NOT_RESET", ""), oauthflow.KindInvalid, "URL_NOT_RESET", "instance URL"},
	{"the same in a page", 404, "[{\"message\":\"Destination URL not reset\"}]", oauthflow.KindInvalid, "", "instance URL"},
	{"an expired org", 420, "<html>The data you were trying to access could not be found.</html>", oauthflow.KindBusy, "", "expired"},
	{"the status of an expired org alone", 420, "<html>", oauthflow.KindUnknownAnswer, "", "tried again"},
	{"an address at which nothing is served", 404, noSuchURL, oauthflow.KindInvalid, "", "My Domain"},
	{"an ended session over SOAP", 500, `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>INVALID_SESSION_ID: Invalid Session ID found in SessionHeader</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`, oauthflow.KindSession, "INVALID_SESSION_ID", "renewed"},
	{"an ended session in the Bulk API", 400, `<?xml version="1.0"?><error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>InvalidSessionId</exceptionCode><exceptionMessage>Invalid session id</exceptionMessage></error>`, oauthflow.KindSession, "InvalidSessionId", "renewed"},
	{"maintenance", 503, "<html>", oauthflow.KindBusy, "", "tried again"},
	{"too many requests", 429, "", oauthflow.KindBusy, "", "tried again"},
	{"403 without a word", 403, "", oauthflow.KindUnknownAnswer, "", "tried again"},
	{"403 with a code that nobody has seen yet", 403, rest("NOT_ALLOWED_HERE", ""), oauthflow.KindUserPolicy, "NOT_ALLOWED_HERE", "permission sets"},
	{"a page of somebody else's", 403, "<html>", oauthflow.KindUnknownAnswer, "", "tried again"},
	{"something new", 418, rest("TEAPOT", "short and stout"), oauthflow.KindUnknownAnswer, "TEAPOT", "tried again"},
}

func TestEveryRefusalOfAResourceHasAKindAndASentence(t *testing.T) {
	for _, c := range resourceAnswers {
		t.Run(c.name, func(t *testing.T) {
			_, err := wireFlow(t, says(c.status, c.body)).Identity(t.Context(), wireToken())
			e := wireError(t, err, c.kind)
			if e.Code != c.code || !strings.Contains(e.Sentence(), c.word) {
				t.Errorf("%v, code %q, sentence %q", e, e.Code, e.Sentence())
			}
		})
	}
}

func TestAMissingAppOnAGenericHostSaysMyDomainAndANewAppSaysHowLongItTakes(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name, host string
		created    time.Time
		words      []string
		wait       bool
	}{
		{"an old app on the generic host", "login.salesforce.com", now.Add(-time.Hour), []string{"My Domain"}, false},
		{"an app of unknown age on the generic host", "test.salesforce.com", time.Time{}, []string{"My Domain"}, false},
		{"a new app on the generic host", "login.salesforce.com", now.Add(-5 * time.Minute), []string{"My Domain", "is new", "30 minutes"}, true},
		{"a new app on its own host", wireHost, now.Add(-29 * time.Minute), []string{"is new", "30 minutes"}, true},
		{"an app of half an hour on its own host", wireHost, now.Add(-30 * time.Minute), []string{"login host"}, false},
		{"an old app on its own host", wireHost, now.Add(-time.Hour), []string{"login host"}, false},
	} {
		for _, code := range []string{"app_not_found", "invalid_client_id", "OAUTH_EC_APP_NOT_FOUND"} {
			for _, op := range []string{"exchange", "refresh", "callback"} {
				t.Run(c.name+" "+code+" "+op, func(t *testing.T) {
					client := wireClient(t, c.host)
					client.Created = c.created
					e := wireError(t, refused(t, client, op, code, "", 400), oauthflow.KindAppMissing)
					for _, w := range c.words {
						if !strings.Contains(e.Sentence(), w) {
							t.Errorf("%q does not say %q", e.Sentence(), w)
						}
					}
					if (e.RetryAfter > 0) != c.wait {
						t.Errorf("retry after %v", e.RetryAfter)
					}
				})
			}
		}
	}
	client := wireClient(t, "login.salesforce.com")
	client.Created = now
	e := wireError(t, refused(t, client, "exchange", "invalid_client", "app must be installed into org", 400), oauthflow.KindAppMissing)
	if strings.Contains(e.Sentence(), "is new") || e.RetryAfter != 0 {
		t.Errorf("waiting installs no app: %q, %v", e.Sentence(), e.RetryAfter)
	}
}

func TestNoSentenceEverAdvisesToTurnPKCEOff(t *testing.T) {
	for _, c := range append(tokenAnswers, callbackAnswers...) {
		e := wireError(t, refused(t, wireClient(t, wireHost), c.op, c.code, c.description, 400), c.kind)
		s := strings.ToLower(e.Sentence() + e.Error())
		for _, word := range []string{"turn off", "switch off", "disable", "clear the", "uncheck", "without pkce", "not require"} {
			if strings.Contains(s, word) {
				t.Errorf("%s %s: %q", c.op, c.code, e.Sentence())
			}
		}
	}
}

func TestALimitAsksForAnHourUnlessSalesforceNamesATime(t *testing.T) {
	at := time.Now().Add(90 * time.Second).UTC()
	for _, c := range []struct {
		name   string
		status int
		code   string
		header string
		least  time.Duration
		most   time.Duration
	}{
		{"the login limit", 400, "rate_limit_exceeded", "", time.Hour, time.Hour},
		{"the login limit with a time", 400, "rate_limit_exceeded", "60", time.Minute, time.Minute},
		{"seconds", 429, "", "7", 7 * time.Second, 7 * time.Second},
		{"a date", 503, "", at.Format(http.TimeFormat), 80 * time.Second, 90 * time.Second},
		{"a date that has passed", 503, "", "Mon, 02 Jan 2006 15:04:05 GMT", 0, 0},
		{"an absurd number", 503, "", "999999999999", 15 * time.Minute, 15 * time.Minute},
		{"a number beyond all", 503, "", "99999999999999999999999", 0, 0},
		{"a negative number", 503, "", "-5", 0, 0},
		{"a word", 503, "", "soon", 0, 0},
		{"an absurd date", 503, "", "Fri, 31 Dec 9999 23:59:59 GMT", 15 * time.Minute, 15 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := refreshWith(t, says(c.status, oauthBody(c.code, ""), "Retry-After", c.header))
			var e *oauthflow.Error
			if !errors.As(err, &e) || e.RetryAfter < c.least || e.RetryAfter > c.most {
				t.Errorf("retry after %v, want %v to %v", e.RetryAfter, c.least, c.most)
			}
		})
	}
}

func TestAKindWithoutASentenceOfItsOwnStillSaysSomething(t *testing.T) {
	for _, k := range []oauthflow.ErrorKind{oauthflow.KindInvalid, oauthflow.KindNotSent, oauthflow.KindStore, oauthflow.KindIDToken, oauthflow.KindState, "new"} {
		e := &oauthflow.Error{Op: "x", Kind: k}
		if s := e.Sentence(); !strings.HasSuffix(s, ".") || len(s) < 20 || len(s) > 300 {
			t.Errorf("%s: %q", k, s)
		}
	}
}

func TestAnErrorIsOneLineOfItsFacts(t *testing.T) {
	e := wireError(t, refused(t, wireClient(t, wireHost), "refresh", "invalid_grant", "ip restricted", 400), oauthflow.KindIPRestricted)
	if want := "oauthflow: refresh at acme.my.salesforce.com: IP restricted: invalid_grant (ip restricted), HTTP 400"; e.Error() != want {
		t.Errorf("got %q, want %q", e, want)
	}
	cause := errors.New("cause")
	if outer := (&oauthflow.Error{Op: "x", Kind: oauthflow.KindStore, Err: cause}); !errors.Is(outer, cause) {
		t.Error("the cause is not reached")
	}
}
