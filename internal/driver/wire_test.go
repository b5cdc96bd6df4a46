package driver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const (
	tokenPath = "/services/oauth2/token"
	oauthPath = "/services/oauth2/"
	apiPath   = "/services/data/v66.0/limits"
)

var errReset = errors.New("connection reset by peer")

// witness stands in front of the org and knows each token that it gave out, also where nobody else got to see it.
type witness struct {
	tr  *trial
	org *orgtest.Org

	mu       sync.Mutex
	families map[int]*family
	approval map[string]int // by refresh token
	codes    map[string]*did
	given    map[string]*did
}

// family is what is known of one approval.
type family struct {
	keys   map[string]bool // names of the connections that it was made for, or moved to
	made   *did
	held   []string // the access token that a living process has got last
	spent  map[string]bool
	hit    string    // what was lost of it; empty for nothing
	issued time.Time // the last token
	by     *process  // who got it
	cruel  bool      // a spent token was sent while a session lived
}

func (w *witness) family(approval int) *family {
	f := w.families[approval]
	if f == nil {
		f = &family{keys: map[string]bool{}, spent: map[string]bool{}}
		w.families[approval] = f
	}
	return f
}

func (w *witness) accepted(access string) bool {
	req, err := http.NewRequest(http.MethodGet, w.org.InstanceURL()+apiPath, http.NoBody)
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := w.org.RoundTripper().RoundTrip(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// delivery is an answer on its way.
type delivery struct {
	f      *family
	access string
	resp   *http.Response
}

// act has the org act on a request.
func (w *witness) act(p *process, req *http.Request, form url.Values) (delivery, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	presented := form.Get("refresh_token")
	if a, known := w.approval[presented]; known && w.family(a).spent[presented] {
		f := w.family(a)
		f.cruel = f.cruel || slices.ContainsFunc(f.held, w.accepted)
	}
	before := len(w.org.Ledger())
	resp, err := w.org.RoundTripper().RoundTrip(req)
	if err != nil {
		return delivery{}, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return delivery{}, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	_ = json.Unmarshal(answer, &tokens)
	d := delivery{access: tokens.Access, resp: resp}
	for _, e := range w.org.Ledger()[before:] {
		if e.Approval == 0 || e.Outcome != "ok" || e.Event != "exchange" && e.Event != "refresh" {
			continue
		}
		d.f = w.family(e.Approval)
		d.f.issued, d.f.by = time.Now(), p
		if e.Event == "exchange" {
			if by := w.codes[form.Get("code")]; by != nil {
				d.f.made, d.f.keys[by.key.Name] = by, true
				by.approval = e.Approval
			}
		} else if tokens.Refresh != "" && tokens.Refresh != presented {
			d.f.spent[presented] = true
		}
		if tokens.Refresh != "" {
			w.approval[tokens.Refresh] = e.Approval
		}
	}
	return d, nil
}

// rejects takes an access token for dead, as a caller says.
func (w *witness) rejects(access string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.families {
		f.held = slices.DeleteFunc(f.held, func(a string) bool { return a == access })
	}
}

// arrives tells that an answer reaches its process, or why it does not.
func (w *witness) arrives(p *process, d delivery, lost string) {
	if d.f == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if lost == "" && p.isDead() {
		lost = "process died"
	}
	if lost == "" {
		d.f.held = []string{d.access} // what it replaces nobody is given any more
		d.f.issued = time.Now()
		return
	}
	d.f.hit = lost
}

// wire is how one process reaches the org.
type wire struct{ p *process }

func reply(req *http.Request, status int, kind, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req}
}

func gateway(req *http.Request) *http.Response {
	return reply(req, http.StatusBadGateway, "text/html", "<html><body>Bad Gateway</body></html>")
}

func (c *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	tr := c.p.tr
	c.p.standStill()
	if !strings.HasPrefix(req.URL.Path, oauthPath) {
		time.Sleep(upTo(tr.dice.roll(fmt.Sprintf("api %d", c.p.number)), 8*time.Millisecond))
		return tr.org.RoundTripper().RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	ctx := req.Context()
	r := tr.dice.roll(fmt.Sprintf("wire %d %s %s", c.p.number, req.URL.Path, form.Get("grant_type")))
	n, what := tr.mix.net, r.IntN(1000)
	if !tr.trouble() {
		n = network{}
	}
	in, out := upTo(r, 8*time.Millisecond), upTo(r, 8*time.Millisecond)
	if r.IntN(1000) < n.slow { // a request travels for less than it takes until another process is told that it has not arrived
		in, out = upTo(r, 4*time.Second), upTo(r, 50*time.Second)
	}
	happens := func(odds int) bool { what -= odds; return what < 0 && what >= -odds }
	if happens(n.unsent) {
		tr.say("process %d: %s is never sent", c.p.number, form.Get("grant_type"))
		return nil, errReset
	}
	time.Sleep(in)
	if c.p.isDead() && r.IntN(2) == 0 {
		return nil, errReset
	}
	if happens(n.gatewayBefore) {
		return gateway(req), nil
	}
	if happens(n.busyBefore) {
		status := []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}[r.IntN(2)]
		return reply(req, status, "application/json", `{"error":"rate_limit_exceeded","error_description":"too many requests"}`), nil
	}
	late := req.Clone(req.Context())
	late = late.WithContext(tr.t.Context()) // it has left: that the caller leaves stops nothing
	late.Body = io.NopCloser(bytes.NewReader(body))
	d, err := tr.truth.act(c.p, late, form)
	if err != nil {
		return nil, err
	}
	lost := func(why string) {
		tr.truth.arrives(c.p, d, why)
		if d.f != nil {
			tr.say("process %d: the answer to %s is lost: %s", c.p.number, form.Get("grant_type"), why)
		}
	}
	switch {
	case happens(n.lost):
		lost("reset")
		return nil, errReset
	case happens(n.gatewayAfter):
		lost("gateway's page")
		return gateway(req), nil
	case happens(n.busyAfter):
		lost("503")
		return reply(req, http.StatusServiceUnavailable, "text/html", "<html><body>Service Unavailable</body></html>"), nil
	}
	select {
	case <-time.After(out):
	case <-ctx.Done():
		lost("the caller has left")
		return nil, ctx.Err()
	}
	arrived := time.Now()
	c.p.standStill()
	tr.truth.arrives(c.p, d, "")
	if d.f != nil && time.Since(arrived) > 90*time.Second { // with the time that it was under way, longer than any answer is waited for
		tr.truth.mu.Lock()
		d.f.hit = "suspended"
		tr.truth.mu.Unlock()
	}
	return d.resp, nil
}
