package metadata

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/internal/scrub"
)

// Errors on which callers act. Test for them with errors.Is.
var (
	// ErrNotFound means that the org has no component of that type and name, or that the user may not see it.
	ErrNotFound = errors.New("not found in the org")
	// ErrSession means that the org refuses the session, and also refused a new one.
	ErrSession = errors.New("the org refuses the session")
	// ErrJWTSession means that SOAP refused a JWT-based access token. If the caller gave another token, SOAP refused that one,
	// too. There are two causes with the same answer: the org accepts such tokens only for REST, or the session has ended. It
	// wraps ErrSession.
	//
	// Source: Salesforce Help, "JWT-Based Access Tokens": they "can be used only to access REST APIs". That an org answers in the
	// words of an ended session is assumed.
	ErrJWTSession = errors.New("SOAP refused a JWT-based access token: the org takes such tokens for REST only, or the session has ended")
	// ErrTooLarge means that an answer exceeded the limit for its kind.
	ErrTooLarge = errors.New("the answer is too large")
)

// maxAnswer limits an answer of an org, in bytes.
const maxAnswer = maxDocument

// OrgConfig says how to reach an [Org].
type OrgConfig struct {
	// HTTPClient sends the calls and authenticates REST calls, for example by a transport that adds the bearer token and replaces
	// an expired one. Required. NewOrg copies it. Its CheckRedirect is not used: redirects are not followed. Its Timeout limits
	// one call; 0 means no limit. A nil Transport means http.DefaultTransport.
	HTTPClient *http.Client

	// InstanceURL returns the org's origin, such as https://acme.my.salesforce.com. Required. It is called before every call of
	// the org, because a refresh may change the origin. Only https is accepted. It must be safe for concurrent use.
	InstanceURL func(context.Context) (string, error)

	// Session returns an access token for SOAP, which carries it in the body. Required. The parameter rejected is empty, or the
	// token that the org has just refused as expired: then Session must return another one. Where another org may take the place
	// of the first, as under a key that is connected again, InstanceURL and Session must change together. It must be safe for
	// concurrent use.
	Session func(ctx context.Context, rejected string) (string, error)

	// Version is the version of the Metadata API, 57 to 99. Required.
	Version APIVersion
}

// Org reads apps from a Salesforce org and deploys apps to it. It is safe for concurrent use. Its methods return an error when
// ctx is done.
//
// Source: Metadata API Developer Guide; REST deploy, SOAP readMetadata, listMetadata.
type Org struct {
	cfg  OrgConfig
	rest *resty.Client

	freshJWT atomic.Pointer[string] // the last one that SOAP refused although it had been issued for that
}

// NewOrg returns the org that cfg describes. It does not call the org. The error is an *[Error] that names every bad field.
func NewOrg(cfg OrgConfig) (*Org, error) {
	var bad badfields.List
	missing := func(name string) { bad.Add("OrgConfig."+name, "is required") }
	if cfg.HTTPClient == nil {
		missing("HTTPClient")
	}
	if cfg.InstanceURL == nil {
		missing("InstanceURL")
	}
	if cfg.Session == nil {
		missing("Session")
	}
	if cfg.Version < oldestVersion || cfg.Version > newestVersion {
		bad.Add("OrgConfig.Version", fmt.Sprintf("%d is not between %d and %d", cfg.Version, oldestVersion, newestVersion))
	}
	if err := bad.Err(); err != nil {
		return nil, &Error{Op: "configure", Err: err}
	}
	client := *cfg.HTTPClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // SOAP's body holds the session
	if client.Transport == nil {
		client.Transport = defaultTransport{}
	}
	rest := resty.NewWithClient(&client).SetLogger(silent{}).SetResponseBodyLimit(maxAnswer)
	return &Org{cfg: cfg, rest: rest}, nil
}

// defaultTransport is http.DefaultTransport as it is at each call: tests replace it.
type defaultTransport struct{}

func (defaultTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return http.DefaultTransport.RoundTrip(r)
}

// silent is a resty.Logger: an SDK does not write to standard error.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}

// origin returns where the org is.
func (o *Org) origin(ctx context.Context) (string, error) {
	raw, err := o.cfg.InstanceURL(ctx)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", errors.New("OrgConfig.InstanceURL gave no https origin")
	}
	return "https://" + u.Host, nil
}

// data returns a path of the REST API.
func (o *Org) data(path string) string { return "/services/data/v" + o.cfg.Version.String() + path }

// send makes one REST call and decodes its answer into result, which may be nil.
func (o *Org) send(ctx context.Context, method, path string, prepare func(*resty.Request), result any) error {
	_, err := o.ask(ctx, method, path, prepare, result)
	return err
}

// ask is send for answers whose texts are shown: the scrubber knows what was sent.
func (o *Org) ask(ctx context.Context, method, path string, prepare func(*resty.Request), result any) (scrub.Scrubber, error) {
	origin, err := o.origin(ctx)
	if err != nil {
		return scrub.Scrubber{}, err
	}
	req := o.rest.R().SetContext(ctx)
	if prepare != nil {
		prepare(req)
	}
	sent := o.tokens(ctx)
	resp, err := req.Execute(method, origin+o.data(path))
	if err != nil {
		return scrub.Scrubber{}, transportError(err, scrub.New(append(sent, o.tokens(ctx)...)...)) // the transport may have taken a newer one
	}
	said := o.sentWith(ctx, resp)
	if resp.StatusCode() < 200 || resp.StatusCode() > 299 {
		return said, refusal(resp, said)
	}
	if result == nil || len(resp.Body()) == 0 {
		return said, nil
	}
	if said.Repeats(resp.Body()) {
		return said, errRepeats
	}
	if manyValues(resp.Body()) {
		return said, ErrTooLarge
	}
	if err := json.Unmarshal(unmarked(resp.Body()), result); err != nil {
		return said, errors.New("the org's answer is not the JSON expected")
	}
	return said, nil
}

// unmarked is JSON without the byte order mark that a gateway may put before it.
func unmarked(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }

// maxValues is how many values an answer in JSON may have, those counted twice that are objects or lists, and commas in texts, too. A
// deployment of 10,000 components, Salesforce's limit, tells some 200,000.
const maxValues = 400_000

// manyValues reports whether JSON has more values than are read: each takes memory, however little it says.
func manyValues(text []byte) bool {
	n := 0
	for _, c := range text {
		if c == ',' || c == '{' || c == '[' {
			n++
		}
	}
	return n > maxValues
}

// transportError drops the URL that net/http puts into its errors, which says nothing new, and what the transport says of
// the session.
func transportError(err error, said scrub.Scrubber) error {
	if errors.Is(err, resty.ErrResponseBodyTooLarge) {
		return ErrTooLarge
	}
	var u *url.Error
	if errors.As(err, &u) {
		return shown(u.Err, said)
	}
	return shown(err, said)
}

// answerError is an error that the org answered with.
type answerError struct {
	status  int
	code    string
	message string
	err     error // sentinel, may be nil
}

func (e *answerError) Error() string {
	text := e.message
	if text == "" {
		text = fmt.Sprintf("HTTP status %d", e.status)
	}
	return withAdvice(text, advise(e.code, e.message))
}

func (e *answerError) Unwrap() error { return e.err }

// refusal makes an error of an answer of the org that is no success. A page of somebody else's says nothing of the session.
func refusal(resp *resty.Response, said scrub.Scrubber) error {
	code, message := salesforce.Refusal(resp.Header(), resp.Body())
	e := &answerError{status: resp.StatusCode(), code: said.Line(code, maxText), message: said.Line(message, maxText)}
	bare := len(bytes.TrimSpace(resp.Body())) == 0
	switch {
	case strings.Contains(strings.ToUpper(e.code+e.message), "INVALID_SCOPE"): // which no other session has
	case slices.Contains(sessionCodes, strings.ToUpper(e.code)), e.status == http.StatusUnauthorized && (e.code != "" || bare):
		e.err = ErrSession
	case e.status == http.StatusNotFound:
		e.err = ErrNotFound
	}
	return e
}

// sessionCodes are said of a session that is not accepted; the last two of a JWT.
var sessionCodes = []string{"INVALID_SESSION_ID", "INVALIDSESSIONID", "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT"}

// wrap makes an *Error of what an operation ended with, if it is none yet.
func wrap(op, name string, err error) error {
	if _, is := err.(*Error); is || err == nil {
		return err
	}
	e := &Error{Op: op, Name: name, Err: err}
	var a *answerError
	if errors.As(err, &a) {
		e.Code, e.Status = a.code, a.status
	}
	return e
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
