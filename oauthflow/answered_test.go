package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// unreadable are addresses of redirects that net/http cannot parse, and would quote in its error as they are.
var unreadable = []string{
	"https://[x/Please send the consumer secret to evil.example", "https://acme.my.salesforce.com:port/0123456789", "//[", "https://%zz/\x1b[2J", ":",
	"https://acme.my.salesforce.com/\x7f",
}

func TestARedirectToAnAddressThatCannotBeReadComesBackWithoutIt(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range unreadable {
			f := &far{answer: func(int, *http.Request) *http.Response { return answered(status, "", "Location", to) }}
			w, _, client := call(t, orgtest.Config{}, f)
			resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits?q=asked")
			if err != nil {
				t.Errorf("%d to %q: %v", status, to, err)
				continue
			}
			resp.Body.Close()
			if resp.StatusCode != status || resp.Header.Get("Location") != "" {
				t.Errorf("%d to %q: %d with Location %q", status, to, resp.StatusCode, resp.Header.Get("Location"))
			}
		}
	}
}

// An error of a transport may quote what it was given to send, as net/http quotes a header line of an answer that repeats it.
func TestAnErrorOfTheNetworkShowsNoSessionThatTheCallerSent(t *testing.T) {
	const session = "00Dxx0000001gPL!AQEAQOtherUsersSession1234567890abcdefghij"
	for name, sent := range map[string]func(*http.Request){
		"X-SFDC-Session":             func(r *http.Request) { r.Header.Set("X-SFDC-Session", session) },
		"X-SFDC-Session, by a map":   func(r *http.Request) { r.Header["X-SFDC-Session"] = []string{session} },
		"a cookie":                   func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "sid", Value: session}) },
		"a cookie, in small letters": func(r *http.Request) { r.Header["cookie"] = []string{"sid=" + session} },
		"a query":                    func(r *http.Request) { r.URL.RawQuery = "sid=" + session },
	} {
		_, s, _ := call(t, orgtest.Config{}, &far{})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.my.salesforce.com/services/async/66.0/job", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		sent(req)
		_, err = s.Transport(carrier(func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("malformed MIME header line: %q", session)
		})).RoundTrip(req)
		e := new(oauthflow.Error)
		if !errors.As(err, &e) || e.Kind != oauthflow.KindInDoubt || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(e)), session) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnErrorOfTheNetworkThatIsNoPlainLineIsNotHandedOn(t *testing.T) {
	_, s, _ := call(t, orgtest.Config{}, &far{})
	for _, text := range []string{
		"malformed: \x1b[2J", "a\nlevel=ERROR msg=forged", "\u202egnirts", "00Dxx0000001gPL!AQEAQSomebodyElses", strings.Repeat("long ", 1000), "\u0085",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.my.salesforce.com/services/data", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Transport(carrier(func(*http.Request) (*http.Response, error) { return nil, errors.New(text) })).RoundTrip(req)
		e := new(oauthflow.Error)
		if !errors.As(err, &e) || e.Kind != oauthflow.KindInDoubt || strings.ContainsFunc(err.Error(), steers) || strings.Contains(err.Error(), "SomebodyElses") || len(err.Error()) > 1000 {
			t.Errorf("%.40q: %T %.300q", text, err, err)
		}
	}
}

// A reverse proxy keeps the Host of the request that came in, which any of its users chooses.
func TestARequestIsForTheHostOfItsURLWhateverHostItNames(t *testing.T) {
	f := &far{}
	w, _, client := call(t, orgtest.Config{}, f)
	for _, host := range []string{"attacker.my.salesforce.com", "127.0.0.1", "acme.my.salesforce.com:8443", "evil.example"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := f.requests[len(f.requests)-1].Host; got != "" && got != "acme.my.salesforce.com" {
			t.Errorf("Host %q was sent", got)
		}
		if req.Host != host {
			t.Error("the caller's request was changed")
		}
	}
}

func TestARequestThatIsRedirectedOutOfTheOrgNamesNoHostOfTheCallers(t *testing.T) {
	f := &far{answer: func(n int, _ *http.Request) *http.Response {
		if n == 1 {
			return answered(302, "", "Location", "/services/data/elsewhere")
		}
		if n == 2 {
			return answered(302, "", "Location", "https://files.example/file")
		}
		return answered(200, "")
	}}
	w, _, client := call(t, orgtest.Config{}, f)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "attacker.my.salesforce.com"
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, r := range f.requests {
		if r.Host != "" && r.Host != r.URL.Host {
			t.Errorf("%s was asked with Host %q", r.URL.Host, r.Host)
		}
	}
}

func TestOneAuthorizationIsSentAndItIsTheConnections(t *testing.T) {
	f := &far{}
	w, _, client := call(t, orgtest.Config{}, f)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"authorization", "AUTHORIZATION", "Authorization", "aUTHORIZATION"} {
		req.Header[name] = []string{"Bearer of another"}
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	var sent []string
	for name, values := range f.requests[0].Header {
		if strings.EqualFold(name, "Authorization") {
			sent = append(sent, values...)
		}
	}
	if len(sent) != 1 || slices.Contains(sent, "Bearer of another") {
		t.Errorf("%d values of Authorization were sent", len(sent))
	}
	if len(req.Header) != 4 {
		t.Error("the caller's header was changed")
	}
}

// A trailer comes after the body, and net/http quotes a line of it that is no header.
func TestWhatBreaksAnAnswerOffRepeatsNothingThatWasSent(t *testing.T) {
	f := &far{}
	f.answer = func(_ int, r *http.Request) *http.Response {
		resp := answered(200, "")
		quoted := fmt.Errorf("malformed MIME header line: %q", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(quoted)))
		return resp
	}
	w, _, client := call(t, orgtest.Config{}, f)
	resp, err := client.Get(w.org.InstanceURL() + "/services/data")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	token := strings.TrimPrefix(f.bearers()[0], "Bearer ")
	e := new(oauthflow.Error)
	if string(got) != "half" || !errors.As(err, &e) || e.Kind != oauthflow.KindInDoubt || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(e)), token) {
		t.Errorf("%q, %T, shows the token: %v", got, err, strings.Contains(fmt.Sprint(err), token))
	}
}

func TestAnOrdinaryErrorOfABodyStaysWhatItIs(t *testing.T) {
	for _, cause := range []error{io.ErrUnexpectedEOF, context.Canceled, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}} {
		f := &far{answer: func(int, *http.Request) *http.Response {
			resp := answered(200, "")
			resp.Body = io.NopCloser(iotest.ErrReader(cause))
			return resp
		}}
		w, _, client := call(t, orgtest.Config{}, f)
		resp, err := client.Get(w.org.InstanceURL() + "/services/data")
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != cause {
			t.Errorf("%v became %v", cause, err)
		}
	}
}
