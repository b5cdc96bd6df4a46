package oauthflow_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// tokenNo makes the access token of a generation, in one of the forms that the rows name.
func tokenNo(form string, n int) string {
	encode := base64.RawURLEncoding.EncodeToString
	payload := encode([]byte(`{"sub":"uid:005TEST000000001","jti":"` + strconv.Itoa(1000+n) + `"}`))
	switch form {
	case "a JWT of two hours": // from the beginning of a bubble's time, an hour for each that is issued
		ends := time.Date(2000, 1, 1, 2+n, 0, 0, 0, time.UTC).Unix()
		payload = encode([]byte(`{"sub":"uid:005TEST000000001","exp":` + strconv.FormatInt(ends, 10) + `,"jti":"` + strconv.Itoa(1000+n) + `"}`))
		return encode([]byte(`{"alg":"RS256","typ":"JWT","kid":"258"}`)) + "." + payload + ".c2lnbmF0dXJlMTIzNA"
	case "JWT":
		return encode([]byte(`{"alg":"RS256","typ":"JWT","kid":"258"}`)) + "." + payload + ".c2lnbmF0dXJlMTIzNA"
	case "three segments, no JSON":
		return encode([]byte("alg RS256 "+strconv.Itoa(n))) + "." + payload + ".c2lnbmF0dXJlMTIzNA"
	case "two segments":
		return encode([]byte(`{"alg":"RS256"}`)) + "." + payload
	case "four segments":
		return encode([]byte(`{"alg":"RS256"}`)) + "." + payload + ".c2ln.c2ln"
	case "no base64url":
		return encode([]byte(`{"alg":"RS256"}`)) + "." + payload + ".c2ln+/=="
	}
	return "00DTEST000000001!AQ0opaque.9f8e7d6c." + strconv.Itoa(n) // with the dots that such a token may have
}

// issued is a connected world whose refreshes bring access tokens of one form, and the client of its connection.
func issued(t *testing.T, form string, f *far) (*world, *oauthflow.Source, *http.Client) {
	t.Helper()
	w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
	s, client := w.issued(form, f)
	return w, s, client
}

func (w *world) issued(form string, f *far) (*oauthflow.Source, *http.Client) {
	w.t.Helper()
	n := 0
	m := w.manager()
	w.connect(m, mainKey)
	w.wire.tap(nil, func(resp *http.Response) (*http.Response, error) {
		n++
		var answer map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			return nil, err
		}
		answer["access_token"] = tokenNo(form, n)
		body, err := json.Marshal(answer)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return resp, err
	})
	if err := m.Renew(w.t.Context(), mainKey); err != nil {
		w.t.Fatal(err)
	}
	w.wire.mu.Lock()
	w.wire.posts = nil // what follows is counted
	w.wire.mu.Unlock()
	s := m.Source(mainKey)
	return s, &http.Client{Transport: s.Transport(f)}
}

func TestWhatARefusalSaysOfASessionDependsOnTheFormOfItsToken(t *testing.T) {
	const malformed = `[{"message":"INVALID_JWT_FORMAT","errorCode":"INVALID_AUTH_HEADER"}]`
	for _, c := range []struct {
		name, form string
		status     int
		body       string
		kind       oauthflow.ErrorKind
		requests   int // of the API; each but the first follows a refresh
	}{
		{"an expired JWT", "JWT", 401, malformed, oauthflow.KindSession, 2},
		{"the same of an opaque token", "opaque", 401, malformed, oauthflow.KindInvalid, 1},
		{"the same of two segments", "two segments", 401, malformed, oauthflow.KindInvalid, 1},
		{"the same of four segments", "four segments", 401, malformed, oauthflow.KindInvalid, 1},
		{"the same of a header that is no JSON", "three segments, no JSON", 401, malformed, oauthflow.KindInvalid, 1},
		{"the same of a signature that is no base64url", "no base64url", 401, malformed, oauthflow.KindInvalid, 1},
		{"a JWT, the other way round", "JWT", 401, rest("INVALID_JWT_FORMAT", "INVALID_AUTH_HEADER"), oauthflow.KindSession, 2},
		{"an opaque token, the other way round", "opaque", 401, rest("INVALID_JWT_FORMAT", "INVALID_AUTH_HEADER"), oauthflow.KindInvalid, 1},
		{"a JWT, with text after the word", "JWT", 401, rest("INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT: the token has expired"), oauthflow.KindSession, 2},
		{"a JWT, with text after the code", "JWT", 401, rest("INVALID_JWT_FORMAT: the token has expired", ""), oauthflow.KindSession, 2},
		{"a JWT, both in the message", "JWT", 401, `[{"message":"INVALID_AUTH_HEADER / INVALID_JWT_FORMAT"}]`, oauthflow.KindSession, 2},
		{"a JWT, the code alone", "JWT", 401, rest("INVALID_AUTH_HEADER", ""), oauthflow.KindSession, 2},
		{"a JWT, in small letters", "JWT", 401, rest("invalid_auth_header", "invalid_jwt_format"), oauthflow.KindSession, 2},
		{"a JWT, as one object", "JWT", 401, `{"errorCode":"INVALID_AUTH_HEADER","message":"INVALID_JWT_FORMAT"}`, oauthflow.KindSession, 2},
		{"a JWT, as XML", "JWT", 401, `<?xml version="1.0"?><Errors><Error><errorCode>INVALID_AUTH_HEADER</errorCode><message>INVALID_JWT_FORMAT</message></Error></Errors>`, oauthflow.KindSession, 2},
		{"a JWT, with a byte order mark", "JWT", 401, "\ufeff" + malformed, oauthflow.KindSession, 2},
		{"a JWT, with status 403", "JWT", 403, malformed, oauthflow.KindSession, 2},
		{"a JWT, an ended session in the usual words", "JWT", 401, ended, oauthflow.KindSession, 2},
		{"a JWT that lacks a scope", "JWT", 401, rest("INVALID_AUTH_HEADER", "INVALID_SCOPES"), oauthflow.KindScope, 1},
		{"an opaque token that lacks a scope", "opaque", 401, rest("INVALID_AUTH_HEADER", "INVALID_SCOPES"), oauthflow.KindScope, 1},
		{"a missing scope, the other way round", "JWT", 401, rest("INVALID_SCOPES", "INVALID_AUTH_HEADER"), oauthflow.KindScope, 1},
		{"a missing scope, with text", "JWT", 401, rest("INVALID_AUTH_HEADER", "INVALID_SCOPES: api is missing"), oauthflow.KindScope, 1},
		{"a JWT of another issuer", "JWT", 401, rest("INVALID_ISS", ""), oauthflow.KindInvalid, 1},
		{"a JWT of another issuer, in the message", "JWT", 401, rest("INVALID_AUTH_HEADER", "INVALID_ISS"), oauthflow.KindInvalid, 1},
		{"a header of another type", "JWT", 401, rest("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"), oauthflow.KindInvalid, 1},
		{"an ended session, of the Streaming API", "opaque", 401, `[{"channel":"/meta/connect","error":"401::Authentication invalid","successful":false}]`, oauthflow.KindSession, 2},
		{"an ended session, of the Streaming API, of a JWT", "JWT", 401, `[{"channel":"/meta/connect","error":"401::Authentication invalid"}]`, oauthflow.KindSession, 2},
		{"an ended session, in the message alone", "opaque", 401, `{"message":"Session expired or invalid"}`, oauthflow.KindSession, 2},
		{"an ended session, of GraphQL", "opaque", 401, `{"errors":[{"message":"Session expired or invalid"}]}`, oauthflow.KindSession, 2},
		{"an ended session, of GraphQL, with what goes with it", "opaque", 401, `{"data":null,"errors":[{"message":"Session expired or invalid","locations":[],"paths":[],"extensions":{}}]}`, oauthflow.KindSession, 2},
		{"an ended session, cut off inside of its code", "opaque", 401, `[{"message":"Session expired or invalid","errorCode":"INVALID_SES`, oauthflow.KindSession, 2},
		{"an ended session, with the code inside of the message", "opaque", 401, `{"message":"the call failed: INVALID_SESSION_ID"}`, oauthflow.KindSession, 2},
		{"a session that may not use the API, in the message alone", "opaque", 401, `{"message":"the call failed: INVALID_SESSION_ID: This session is not valid for use with the REST API"}`, oauthflow.KindAppPolicy, 1},
		{"another product's session", "opaque", 401, `{"message":"Your portal session has expired, log in to the proxy"}`, oauthflow.KindUnknownAnswer, 1},
		{"another refusal of the Streaming API", "opaque", 401, `[{"channel":"/meta/connect","error":"402::Unknown client"}]`, oauthflow.KindUnknownAnswer, 1},
		{"a gateway's JSON", "opaque", 401, `{"error":"Unauthorized","message":"no"}`, oauthflow.KindUnknownAnswer, 1},
		{"a JWT whose session may not use the API", "JWT", 401, rest("INVALID_SESSION_ID", "This session is not valid for use with the REST API"), oauthflow.KindAppPolicy, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &far{answer: once(c.status, c.body)}
			w, s, client := issued(t, c.form, f)
			sent := w.token(s)
			resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if len(f.requests) != c.requests || w.wire.refreshes() != c.requests-1 {
				t.Errorf("%d requests and %d refreshes, want %d and %d", len(f.requests), w.wire.refreshes(), c.requests, c.requests-1)
			}
			if healed := c.requests > 1; healed != (resp.StatusCode == 200) {
				t.Errorf("the caller got %d", resp.StatusCode)
			}
			again := answered(c.status, c.body)
			again.Request = mustRequest(t, w.org.InstanceURL()+"/x")
			again.Request.Header.Set("Authorization", "Bearer "+sent)
			e := wireError(t, oauthflow.ResponseError(again), c.kind)
			if strings.Contains(e.Sentence(), "failed") {
				t.Errorf("it has no sentence of its own: %s", e.Sentence())
			}
		})
	}
}

// refuseJWTs refuses every access token in the words that Salesforce has for an expired JWT.
func refuseJWTs(int, *http.Request) *http.Response {
	return answered(401, `[{"message":"INVALID_JWT_FORMAT","errorCode":"INVALID_AUTH_HEADER"}]`)
}

func TestAFreshJWTThatIsRefusedInTheSameWordsIsATypedErrorAndCausesNoRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: refuseJWTs}
		w, _, client := issued(t, "JWT", f)
		for i := range 20 {
			_, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			e := wantKind(t, err, oauthflow.KindFreshRefused)
			if e.RetryAfter <= 0 || e.RetryAfter > time.Minute || !strings.Contains(e.Sentence(), "JWT") || e.Status != 401 || e.Code != "INVALID_AUTH_HEADER" {
				t.Errorf("call %d: %+v, %s", i, e, e.Sentence())
			}
		}
		if n := w.wire.refreshes(); n != 1 || len(f.requests) != 21 {
			t.Errorf("%d refreshes and %d requests for 20 calls, want 1 and 21", n, len(f.requests))
		}
		if f.open.Load() != 0 {
			t.Errorf("%d bodies are still open", f.open.Load())
		}
	})
}

func TestFiftyCallersWithOneRejectedJWTCauseOneRefresh(t *testing.T) {
	for name, c := range map[string]struct {
		heals, same bool
	}{
		"that heals":               {heals: true},
		"that does not":            {},
		"that brings the same JWT": {same: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &far{answer: refuseJWTs}
				w, s, client := issued(t, "JWT", f)
				if c.heals {
					f.answer = only(w.token(s))
				}
				if c.same {
					w.wire.tap(nil, replaceIn(`"access_token":"`, `"ignored":"","access_token":"`+w.token(s)+`","was":"`))
				}
				var all sync.WaitGroup
				for range 50 {
					all.Go(func() {
						resp, err := client.Get(w.org.InstanceURL() + apiPath)
						if err == nil {
							resp.Body.Close()
						}
						if c.heals != (err == nil && resp.StatusCode == 200) {
							t.Errorf("the caller got %v", err)
						}
					})
				}
				all.Wait()
				if n := w.wire.refreshes(); n != 1 {
					t.Errorf("%d refreshes, want 1", n)
				}
			})
		})
	}
}

func TestProcessesThatShareARejectedJWTCauseOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		w, s, _ := issued(t, "JWT", f)
		stale := w.token(s)
		f.answer = func(n int, r *http.Request) *http.Response {
			if r.Header.Get("Authorization") == "Bearer "+stale {
				return refuseJWTs(n, r)
			}
			return answered(200, "{}")
		}
		var all sync.WaitGroup
		for range 3 {
			client := &http.Client{Transport: w.manager().Source(mainKey).Transport(f)}
			for range 20 {
				all.Go(func() {
					resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
					if err != nil || resp.StatusCode != 200 {
						t.Errorf("the caller got %v", err)
						return
					}
					resp.Body.Close()
				})
			}
		}
		all.Wait()
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
	})
}

// An API that takes no JWT is refused each time; the others go on with the token that there is.
func TestAnAPIThatTakesNoJWTDisturbsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: func(n int, r *http.Request) *http.Response {
			if strings.HasPrefix(r.URL.Path, "/services/async/") {
				return refuseJWTs(n, r)
			}
			return answered(200, "{}")
		}}
		w, s, client := issued(t, "JWT", f)
		for range 60 {
			_, err := client.Get(w.org.InstanceURL() + "/services/async/66.0/job")
			wantKind(t, err, oauthflow.KindFreshRefused)
			resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("another API: %v", err)
			}
			resp.Body.Close()
			time.Sleep(time.Minute)
		}
		if n := w.wire.refreshes(); n > 8 {
			t.Errorf("%d refreshes within an hour, want few", n)
		}
		if now, err := w.manager().Load(t.Context(), mainKey); err != nil || now.Status != oauthflow.StatusActive {
			t.Errorf("the connection is %q, %v", now.Status, err)
		}
		_ = s
	})
}

func TestFreshJWTsThatNothingAcceptsSuspendTheConnectionUntilOneIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: refuseJWTs}
		w, _, client := issued(t, "JWT", f)
		for range 120 {
			_, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			wantKind(t, err, oauthflow.KindFreshRefused)
			time.Sleep(time.Minute)
		}
		if n := w.wire.refreshes(); n < 5 || n > 15 {
			t.Errorf("%d refreshes within two hours, want some and few", n)
		}
		now, err := w.manager().Load(t.Context(), mainKey)
		if err != nil || now.Status != oauthflow.StatusSuspended || !strings.Contains(now.Fault.Sentence(), "JWT") {
			t.Fatalf("the connection is %q, %v: %v", now.Status, err, now.Fault)
		}
		f.mu.Lock()
		f.answer = nil
		f.mu.Unlock()
		time.Sleep(time.Hour)
		resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		synctest.Wait()
		if now, err = w.manager().Load(t.Context(), mainKey); err != nil || now.Status != oauthflow.StatusActive {
			t.Errorf("afterwards it is %q, %v", now.Status, err)
		}
	})
}

func TestAJWTThatExpiresLaterIsRefreshedAgainEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		stale := ""
		f.answer = func(n int, r *http.Request) *http.Response {
			if r.Header.Get("Authorization") == "Bearer "+stale {
				return refuseJWTs(n, r)
			}
			return answered(200, "{}")
		}
		w, s, client := issued(t, "JWT", f)
		for i := range 5 {
			f.mu.Lock()
			stale = w.token(s)
			f.mu.Unlock()
			resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("round %d: %v", i, err)
			}
			resp.Body.Close()
			time.Sleep(30 * time.Minute)
		}
		if n := w.wire.refreshes(); n != 5 {
			t.Errorf("%d refreshes, want 5", n)
		}
	})
}

func TestAJWTThatIsTheSameAfterARefreshAndRefusedAgainCausesNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: refuseJWTs}
		w, s, client := issued(t, "JWT", f)
		w.wire.tap(nil, replaceIn(`"access_token":"`, `"ignored":"","access_token":"`+w.token(s)+`","was":"`))
		for range 20 {
			_, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			wantKind(t, err, oauthflow.KindFreshRefused)
		}
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
	})
}

func TestARejectedJWTWhoseRequestCannotBeRepeatedIsReplacedForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{answer: refuseJWTs}
		w, _, client := issued(t, "JWT", f)
		post := func() (*http.Response, error) {
			return client.Post(w.org.InstanceURL()+"/x", "text/plain", struct{ *strings.Reader }{strings.NewReader("a stream")})
		}
		resp, err := post()
		if err != nil || resp.StatusCode != 401 {
			t.Fatalf("the first: %v", err)
		}
		resp.Body.Close()
		for range 3 {
			_, err = post()
			wantKind(t, err, oauthflow.KindFreshRefused)
		}
		if n := w.wire.refreshes(); n != 1 || len(f.requests) != 4 {
			t.Errorf("%d refreshes and %d requests, want 1 and 4", n, len(f.requests))
		}
	})
}
