package fullcast_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const limits = "/services/data/v66.0/limits"

// refusingWorld is a connection whose API calls are answered with one status and body.
func refusingWorld(t *testing.T, status int, body string, header ...string) (*world, *fullcast.Connection) {
	t.Helper()
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	conn := w.connect(t)
	h := http.Header{"Content-Type": {"application/json;charset=UTF-8"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	if err := w.org.Inject(orgtest.Fault{Path: "/services/data/v66.0/", Times: -1, Status: status, Header: h, Body: body}); err != nil {
		t.Fatal(err)
	}
	return w, conn
}

func TestARefusalOverRestyIsAnErrorWithKindRemedyAndActor(t *testing.T) {
	for _, c := range []struct {
		name     string
		status   int
		body     string
		kind     oauthflow.ErrorKind
		remedy   fullcast.Remedy
		actor    fullcast.Actor
		requests int // of the API
	}{
		{"the API limit", 403, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`, oauthflow.KindLimit, fullcast.Retry, fullcast.ActorNobody, 1},
		{"a missing permission", 403, `[{"message":"m","errorCode":"INSUFFICIENT_ACCESS"}]`, oauthflow.KindUserPolicy, fullcast.AdminGivesPermission, fullcast.ActorAdmin, 1},
		{"an app policy", 401, `[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]`, oauthflow.KindAppPolicy, fullcast.AdminAllowsAPIAccess, fullcast.ActorAdmin, 1},
		{"a missing scope", 401, `[{"message":"INVALID_SCOPES","errorCode":"INVALID_AUTH_HEADER"}]`, oauthflow.KindScope, fullcast.AdminFixesApp, fullcast.ActorAdmin, 1},
		{"an ended session, twice", 401, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`, oauthflow.KindSession, fullcast.Retry, fullcast.ActorNobody, 2},
		{"a wrong host", 404, `[{"message":"m","errorCode":"URL_NOT_RESET"}]`, oauthflow.KindInvalid, fullcast.FixConfiguration, fullcast.ActorAdmin, 1},
		{"maintenance", 503, `<html>maintenance</html>`, oauthflow.KindBusy, fullcast.Retry, fullcast.ActorNobody, 1},
		{"nothing known", 418, `{"teapot":true}`, oauthflow.KindUnknownAnswer, fullcast.Retry, fullcast.ActorNobody, 1},
		{"a firewall's page", 403, `<html>blocked</html>`, oauthflow.KindUnknownAnswer, fullcast.Retry, fullcast.ActorNobody, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, conn := refusingWorld(t, c.status, c.body)
			var into struct{ DailyAPIRequests any }
			resp, err := conn.Resty().R().SetContext(t.Context()).SetResult(&into).SetQueryParam("q", "SELECT Secret00D7 FROM User").Get(limits)
			wantError(t, err, c.kind, c.remedy)
			var e *fullcast.Error
			if errors.As(err, &e); e.Actor() != c.actor || e.Key != main {
				t.Errorf("%v of %v is for %q, want %q", err, e.Key, e.Actor(), c.actor)
			}
			if text := err.Error(); !strings.Contains(text, "GET "+limits) || strings.Contains(text, "SELECT") || strings.Contains(text, "Secret00D7") {
				t.Errorf("the text is %q", text)
			}
			if resp == nil || resp.StatusCode() != c.status || string(resp.Body()) != c.body || resp.Header().Get("Content-Type") == "" {
				t.Errorf("the response is %v", resp)
			}
			if n := w.rec.count(limits); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
		})
	}
}

// ways are those in which resty hands out a body; each returns what the caller sees of a refusal's.
var ways = map[string]func(t *testing.T, r *resty.Request, method string) (*resty.Response, string, error){
	"parsed": func(_ *testing.T, r *resty.Request, method string) (*resty.Response, string, error) {
		resp, err := r.Execute(method, limits)
		return resp, string(resp.Body()), err
	},
	"with an error's target": func(t *testing.T, r *resty.Request, method string) (*resty.Response, string, error) {
		var said []struct{ ErrorCode string }
		resp, err := r.SetError(&said).Execute(method, limits)
		if method == http.MethodGet && (len(said) != 1 || said[0].ErrorCode != "REQUEST_LIMIT_EXCEEDED") {
			t.Errorf("the target holds %v", said)
		}
		return resp, string(resp.Body()), err
	},
	"not parsed": func(_ *testing.T, r *resty.Request, method string) (*resty.Response, string, error) {
		resp, err := r.SetDoNotParseResponse(true).Execute(method, limits)
		body, _ := io.ReadAll(resp.RawBody())
		return resp, string(body), err
	},
	"into a file": func(t *testing.T, r *resty.Request, method string) (*resty.Response, string, error) {
		file := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(file, []byte("what was there"), 0o600); err != nil {
			t.Fatal(err)
		}
		var said []struct{ ErrorCode string }
		resp, err := r.SetOutput(file).SetError(&said).Execute(method, limits)
		if kept, rerr := os.ReadFile(file); rerr != nil || string(kept) != "what was there" {
			t.Errorf("the file holds %q, %v", kept, rerr)
		}
		if method == http.MethodGet && len(said) != 1 {
			t.Errorf("the target holds %v", said)
		}
		return resp, string(resp.Body()), err
	},
	"with an upload": func(_ *testing.T, r *resty.Request, method string) (*resty.Response, string, error) {
		if method == http.MethodGet {
			method = http.MethodPost
		}
		resp, err := r.SetFileReader("file", "a.csv", strings.NewReader("a,b,c")).Execute(method, limits)
		if resp == nil { // resty allows no upload with HEAD
			return nil, "", nil
		}
		return resp, string(resp.Body()), err
	},
	"with a stream as body": func(_ *testing.T, r *resty.Request, method string) (*resty.Response, string, error) {
		resp, err := r.SetBody(io.MultiReader(strings.NewReader("a,b"), strings.NewReader(",c"))).Execute(method, limits)
		return resp, string(resp.Body()), err
	},
}

func TestARefusalOverRestyIsAnErrorHoweverTheBodyIsTaken(t *testing.T) {
	const body = `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`
	for name, call := range ways {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, timeout := range []time.Duration{0, time.Minute} { // with one net/http wraps the body
				t.Run(name+" "+method+" "+timeout.String(), func(t *testing.T) {
					w, conn := refusingWorld(t, 403, body)
					client := conn.Resty().SetTimeout(timeout)
					resp, got, err := call(t, client.R().SetContext(t.Context()).SetQueryParam("q", "Secret00D7"), method)
					if resp == nil {
						return
					}
					if method == http.MethodHead && err != nil { // which has no body: the status is all there is
						var e *oauthflow.Error
						if !errors.As(err, &e) || e.Status != 403 {
							t.Errorf("got %v", err)
						}
						return
					}
					wantError(t, err, oauthflow.KindLimit, fullcast.Retry)
					if strings.Contains(err.Error(), "Secret00D7") {
						t.Errorf("the text is %q", err)
					}
					if resp.StatusCode() != 403 || got != body || !resp.IsError() {
						t.Errorf("the response is %d %q", resp.StatusCode(), got)
					}
					if n := w.rec.count(limits); n != 1 {
						t.Errorf("%d requests, want 1", n)
					}
				})
			}
		}
	}
}

func TestASuccessOverRestyIsNoErrorHoweverTheBodyIsTaken(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	conn := w.connect(t)
	var parsed struct{ DailyApiRequests struct{ Max int } }
	if _, err := conn.Resty().R().SetResult(&parsed).Get(limits); err != nil || parsed.DailyApiRequests.Max == 0 {
		t.Errorf("parsed: %v", err)
	}
	resp, err := conn.Resty().R().SetDoNotParseResponse(true).Get(limits)
	if err != nil || json.NewDecoder(resp.RawBody()).Decode(&parsed) != nil {
		t.Errorf("not parsed: %v", err)
	}
	resp.RawBody().Close()
	file := filepath.Join(t.TempDir(), "out")
	if _, err := conn.Resty().R().SetOutput(file).Get(limits); err != nil {
		t.Errorf("into a file: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "DailyApiRequests") {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if resp, err := conn.Resty().SetDoNotParseResponse(true).R().Get("/services/data/v66.0/nothing"); err == nil || resp.StatusCode() != 404 {
		t.Errorf("a client that parses nothing: %v", err)
	}
}

func TestARefusalAfterARedirectIsAnErrorOverResty(t *testing.T) {
	w, conn := refusingWorld(t, 403, `[{"errorCode":"INSUFFICIENT_ACCESS","message":"m"}]`)
	if err := w.org.Inject(orgtest.Fault{Path: "/services/apexrest/", Times: -1, Status: 307, Header: http.Header{"Location": {limits + "?page=Secret00D7"}}}); err != nil {
		t.Fatal(err)
	}
	for _, streams := range []bool{false, true} {
		resp, err := conn.Resty().R().SetDoNotParseResponse(streams).Get("/services/apexrest/mine?q=Secret00D7")
		wantError(t, err, oauthflow.KindUserPolicy, fullcast.AdminGivesPermission)
		if resp.StatusCode() != 403 || strings.Contains(err.Error(), "Secret00D7") || !strings.Contains(err.Error(), limits) {
			t.Errorf("got %d, %v", resp.StatusCode(), err)
		}
	}
}

func TestARedirectThatComesBackIsAnErrorOverResty(t *testing.T) {
	for _, c := range []struct {
		name, method, location string
		status                 int
		want                   bool
	}{
		{"a POST to a login page", http.MethodPost, "https://login.salesforce.com/?startURL=Secret00D7", 302, true},
		{"a POST to a login page, method kept", http.MethodPost, "https://login.salesforce.com/", 307, true},
		{"a GET without Location", http.MethodGet, "", 302, true},
		{"a GET to another API host", http.MethodGet, "https://other.my.salesforce.com" + limits, 301, true},
		{"what is not modified", http.MethodGet, "", 304, false},
		{"an external ID that several records have", http.MethodGet, "", 300, false},
		{"a GET to a page that is followed", http.MethodGet, "/services/apexrest/page", 302, false},
	} {
		for name, takes := range map[string]func(*resty.Request){
			"parsed": func(*resty.Request) {}, "not parsed": func(r *resty.Request) { r.SetDoNotParseResponse(true) },
			"into a file": func(r *resty.Request) { r.SetOutput(filepath.Join(t.TempDir(), "out")) },
		} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				w, conn := refusingWorld(t, c.status, "moved", "Location", c.location)
				if err := w.org.Inject(orgtest.Fault{Path: "/services/apexrest/page", Times: -1, Status: 200, Body: "page"}); err != nil {
					t.Fatal(err)
				}
				r := conn.Resty().R()
				takes(r)
				if c.method == http.MethodPost {
					r.SetBody("new record")
				}
				resp, err := r.Execute(c.method, limits)
				if !c.want {
					if err != nil {
						t.Errorf("got %v", err)
					}
					return
				}
				wantError(t, err, oauthflow.KindUnknownAnswer, fullcast.Retry)
				if resp == nil || resp.StatusCode() != c.status || strings.Contains(err.Error(), "Secret00D7") {
					t.Errorf("got %v with %v", err, resp)
				}
			})
		}
	}
}

func TestARefusalFillsWhatSetErrorNamesWhateverItsTypeAndWhereverTheBodyGoes(t *testing.T) {
	type document struct {
		Error struct {
			Code string `json:"errorCode" xml:"errorCode"`
		}
	}
	for contentType, body := range map[string]string{
		"application/xml":  `<Errors><Error><errorCode>REQUEST_LIMIT_EXCEEDED</errorCode></Error></Errors>`,
		"application/json": `{"Error":{"errorCode":"REQUEST_LIMIT_EXCEEDED"}}`,
	} {
		for _, file := range []string{"", "out"} {
			t.Run(contentType+" "+file, func(t *testing.T) {
				_, conn := refusingWorld(t, 403, body, "Content-Type", contentType)
				r := conn.Resty().SetError(document{}).R()
				if file != "" {
					r.SetOutput(filepath.Join(t.TempDir(), file))
				}
				resp, err := r.Get(limits)
				wantError(t, err, oauthflow.KindLimit, fullcast.Retry)
				if said, ok := resp.Error().(*document); !ok || said.Error.Code != "REQUEST_LIMIT_EXCEEDED" {
					t.Errorf("the target of all calls holds %+v", resp.Error())
				}
			})
		}
	}
}

func TestCallersHooksOfRestySeeARefusalAndCannotHideIt(t *testing.T) {
	_, conn := refusingWorld(t, 403, `[{"errorCode":"INSUFFICIENT_ACCESS","message":"m"}]`)
	seen := 0
	client := conn.Resty().OnBeforeRequest(func(_ *resty.Client, r *resty.Request) error {
		r.SetContext(context.WithoutCancel(t.Context())) // as a careless one does
		return nil
	}).OnError(func(_ *resty.Request, err error) {
		var e *fullcast.Error
		if errors.As(err, &e) {
			seen++
		}
	})
	_, err := client.R().Get(limits)
	wantError(t, err, oauthflow.KindUserPolicy, fullcast.AdminGivesPermission)
	if seen != 1 {
		t.Errorf("the hook was called %d times", seen)
	}
}

func TestAnErrorOverRestyThatIsNoAnswerShowsNoQuery(t *testing.T) {
	w, conn := refusingWorld(t, 403, "[]")
	w.rec.fail = limits
	_, err := conn.Resty().R().SetQueryParam("q", "Secret00D7").Get(limits)
	if err == nil || strings.Contains(err.Error(), "Secret00D7") || !strings.Contains(err.Error(), limits) {
		t.Errorf("got %v", err)
	}
}

func TestAResponseWhoseBodyRestyHasReadIsTheProgrammersFault(t *testing.T) {
	_, conn := refusingWorld(t, 403, `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"m"}]`)
	resp, err := conn.Resty().R().Get(limits)
	wantError(t, err, oauthflow.KindLimit, fullcast.Retry)
	err = conn.ResponseError(resp.RawResponse)
	wantError(t, err, oauthflow.KindInvalid, fullcast.FixCode)
	var e *fullcast.Error
	if errors.As(err, &e); !errors.Is(err, oauthflow.ErrBodyRead) || e.Actor() != fullcast.ActorProgrammer {
		t.Errorf("got %v, for %q", err, e.Actor())
	}
}

func TestARedirectThatCannotBeReadIsAnErrorOfTheSDKOverRestyAndQuotesNothing(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			_, conn := refusingWorld(t, status, "", "Location", "https://[x/Please send the consumer secret to evil.example")
			_, err := conn.Resty().R().Get(limits + "?q=asked")
			e := new(fullcast.Error)
			if !errors.As(err, &e) || e.Remedy != fullcast.Retry || strings.Contains(err.Error(), "evil") || strings.Contains(err.Error(), "asked") {
				t.Errorf("%T %v", err, err)
			}
		})
	}
}
