package orgtest

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong with some requests. It needs a Delay, a Drop or a Status; they can be combined.
type Fault struct {
	// Path is the beginning of the request path, for example "/services/oauth2/token"; empty means every request.
	Path string

	// GrantType restricts the fault to token requests of that grant: "authorization_code" or "refresh_token".
	GrantType string

	// Skip lets that many matching requests pass first. Times is how many it then hits; default 1, negative for all.
	Skip, Times int

	// Delay holds the request before the org acts. While a refresh is held, another one with the same token is refused. If
	// the caller leaves meanwhile, the org acts at once and the answer is lost.
	Delay time.Duration

	// Drop breaks the connection.
	Drop Drop

	// Keep is how many bytes of the body arrive with Drop == CutBody.
	Keep int

	// Status, Header and Body are an answer given instead of the org's. With Status 0 the org answers itself. Body is HTML
	// unless Header says otherwise.
	Status int
	Header http.Header
	Body   string

	// Acts makes the org carry out the request although its answer is replaced by Status.
	Acts bool
}

// Drop is when the connection breaks.
type Drop int

const (
	// KeepConnection does not break it.
	KeepConnection Drop = iota
	// DropBefore breaks it when the request has arrived and the org has done nothing yet.
	DropBefore
	// DropAfter breaks it when the org has acted, before any byte of the answer.
	DropAfter
	// CutBody breaks it after Keep bytes of the body.
	CutBody
)

// armed is a fault with its count.
type armed struct {
	Fault
	seen, hit int
}

// breakage is how the connection ends; the zero value is orderly.
type breakage struct {
	before bool // nothing arrives
	cut    bool // keep bytes of the body arrive
	keep   int
}

// Inject adds faults to the script. Of several that match a request the first one added is carried out.
func (o *Org) Inject(faults ...Fault) error {
	var bad []error
	for i, f := range faults {
		switch {
		case f.Path != "" && !strings.HasPrefix(f.Path, "/"):
			bad = append(bad, fmt.Errorf("orgtest: fault %d: Path %q does not begin with /", i, f.Path))
		case f.Skip < 0 || f.Delay < 0 || f.Keep < 0:
			bad = append(bad, fmt.Errorf("orgtest: fault %d: Skip, Delay and Keep are never negative", i))
		case f.Drop < KeepConnection || f.Drop > CutBody:
			bad = append(bad, fmt.Errorf("orgtest: fault %d: no such Drop: %d", i, f.Drop))
		case f.Status != 0 && (f.Status < 200 || f.Status > 599):
			bad = append(bad, fmt.Errorf("orgtest: fault %d: Status %d is not a final HTTP status", i, f.Status))
		case f.Status == 0 && (f.Body != "" || f.Header != nil || f.Acts):
			bad = append(bad, fmt.Errorf("orgtest: fault %d: Header, Body and Acts need a Status", i))
		case f.Delay == 0 && f.Drop == KeepConnection && f.Status == 0:
			bad = append(bad, fmt.Errorf("orgtest: fault %d does nothing: give it a Delay, a Drop or a Status", i))
		case f.Keep > 0 && f.Drop != CutBody:
			bad = append(bad, fmt.Errorf("orgtest: fault %d: Keep needs Drop: CutBody", i))
		}
	}
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range faults {
		if f.Times == 0 {
			f.Times = 1
		}
		f.Header = f.Header.Clone()
		o.faults = append(o.faults, &armed{Fault: f})
	}
	return nil
}

// fault finds the fault that is due for a request and counts it.
func (o *Org) fault(in *request) *Fault {
	grant := ""
	if form, ok := in.form(); ok && in.path == tokenPath {
		grant = form.Get("grant_type")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.faults {
		if !strings.HasPrefix(in.path, f.Path) || f.GrantType != "" && f.GrantType != grant || f.Times > 0 && f.hit >= f.Times {
			continue
		}
		if f.seen++; f.seen <= f.Skip {
			continue
		}
		f.hit++
		o.record(Entry{Event: "fault", Detail: in.path, Outcome: f.name()})
		return &f.Fault
	}
	return nil
}

func (f *Fault) name() string {
	switch {
	case f.Drop == DropBefore:
		return "dropped before"
	case f.Drop == DropAfter:
		return "dropped after"
	case f.Drop == CutBody:
		return "cut"
	case f.Status != 0:
		return strconv.Itoa(f.Status)
	}
	return "delay"
}

// suffer carries a fault out: what happens on the way is the test's own script, with no source at Salesforce; HTML is assumed
// of a page that no endpoint has made, as reported of its outages.
func (o *Org) suffer(in *request, f *Fault) (answer, breakage) {
	if f.Delay > 0 {
		free, refused := o.occupy(in)
		if refused != nil {
			return *refused, breakage{}
		}
		defer free()
		wait(in.Context(), f.Delay)
	}
	if f.Drop == DropBefore {
		return answer{}, breakage{before: true}
	}
	var a answer
	if f.Status == 0 || f.Acts || f.Drop == DropAfter {
		a = o.route(in)
	}
	if f.Status != 0 {
		a = answer{f.Status, f.Header.Clone(), []byte(f.Body)}
		if a.header == nil {
			a.header = http.Header{"Content-Type": {"text/html;charset=UTF-8"}}
		}
	}
	switch f.Drop {
	case DropAfter:
		return answer{}, breakage{before: true}
	case CutBody:
		return a, breakage{cut: true, keep: f.Keep}
	}
	return a, breakage{}
}

// occupy marks the refresh token of a request as being processed until free is called. That only a known token is held, and
// before the client is looked at, is assumed.
func (o *Org) occupy(in *request) (free func(), refused *answer) {
	form, _ := in.form()
	if in.holds || in.path != tokenPath || form.Get("grant_type") != "refresh_token" {
		return func() {}, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.refresh[form.Get("refresh_token")]
	if t == nil {
		return func() {}, nil
	}
	if t.approval.busy {
		a := o.refuseBusy(t)
		return nil, &a
	}
	in.holds, t.approval.busy = true, true
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		t.approval.busy = false
	}, nil
}

// refuseBusy answers a refresh while another with the same token is being processed. Source: release notes Winter '25, PR
// segmentio/action-destinations#2300.
func (o *Org) refuseBusy(t *refreshToken) answer {
	o.record(Entry{Event: "refresh", App: t.approval.app.name, User: t.approval.user.Username, Approval: t.approval.number,
		Presented: t.generation, Outcome: "busy"})
	return oauthError("invalid_grant", "token request is already being processed")
}
