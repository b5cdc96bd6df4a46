package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/go-resty/resty/v2"
)

// Errors that callers act on, reached with errors.Is.
var (
	// ErrNotFound: the org has no component of that type and name, or the user may not see it.
	ErrNotFound = errors.New("not found in the org")
	// ErrSession: the org does not take the session, also not a fresh one.
	ErrSession = errors.New("the org refuses the session")
	// ErrJWTSession: the access token is a JWT, which Salesforce takes for REST only. Turn off "Issue JSON Web Token
	// (JWT)-based access tokens for named users" in the app the token was issued to.
	ErrJWTSession = errors.New("SOAP takes no JWT-based access token; the app that issued it must issue opaque ones")
	// ErrTooLarge: an answer exceeded the limit of its kind.
	ErrTooLarge = errors.New("the answer is too large")
)

// maxAnswer limits an answer of an org, in bytes.
const maxAnswer = maxDocument

// OrgConfig says how an [Org] is reached.
type OrgConfig struct {
	// HTTPClient authenticates REST calls, for example by a transport that adds the bearer token and replaces an
	// expired one. Required. It is copied; redirects are not followed. Its Timeout bounds one call.
	HTTPClient *http.Client

	// InstanceURL returns the org's origin, https://acme.my.salesforce.com. Required. It is asked before every call,
	// since a refresh may move it. Only https is accepted.
	InstanceURL func(context.Context) (string, error)

	// Session returns an access token for SOAP, which carries it in the body. Required. rejected is empty, or the
	// token that the org has just refused as expired: then another one is wanted.
	Session func(ctx context.Context, rejected string) (string, error)

	// Version of the Metadata API, 57 or later. Required.
	Version APIVersion
}

// Org reads apps from a Salesforce org and deploys them to it. It is safe for concurrent use.
//
// Source: Metadata API Developer Guide; REST deploy, SOAP readMetadata, listMetadata.
type Org struct {
	cfg  OrgConfig
	rest *resty.Client
}

// NewOrg returns the org that cfg describes, without calling it. The error names every bad field.
func NewOrg(cfg OrgConfig) (*Org, error) {
	var errs []error
	missing := func(name string) {
		errs = append(errs, &Error{Op: "configure", Name: "OrgConfig." + name, Err: errors.New("is required")})
	}
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
		errs = append(errs, &Error{Op: "configure", Name: "OrgConfig.Version",
			Err: fmt.Errorf("%d is not between %d and %d", cfg.Version, oldestVersion, newestVersion)})
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
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

// url returns an absolute URL of the org.
func (o *Org) url(ctx context.Context, path string) (string, error) {
	raw, err := o.cfg.InstanceURL(ctx)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", errors.New("OrgConfig.InstanceURL gave no https origin")
	}
	return "https://" + u.Host + path, nil
}

// data returns a path of the REST API.
func (o *Org) data(path string) string { return "/services/data/v" + o.cfg.Version.String() + path }

// send makes one REST call and decodes its answer into result, which may be nil.
func (o *Org) send(ctx context.Context, method, path string, prepare func(*resty.Request), result any) error {
	target, err := o.url(ctx, o.data(path))
	if err != nil {
		return err
	}
	req := o.rest.R().SetContext(ctx)
	if prepare != nil {
		prepare(req)
	}
	resp, err := req.Execute(method, target)
	if err != nil {
		return transportError(err)
	}
	if resp.StatusCode() < 200 || resp.StatusCode() > 299 {
		return restError(resp.StatusCode(), resp.Body())
	}
	if result == nil || len(resp.Body()) == 0 {
		return nil
	}
	if err := json.Unmarshal(resp.Body(), result); err != nil {
		return errors.New("the org's answer is not the JSON expected")
	}
	return nil
}

// transportError drops the URL that net/http puts into its errors, which says nothing new.
func transportError(err error) error {
	if errors.Is(err, resty.ErrResponseBodyTooLarge) {
		return ErrTooLarge
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
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

// restError reads [{"errorCode":…,"message":…}].
func restError(status int, body []byte) error {
	e := &answerError{status: status}
	var list []struct{ ErrorCode, Message string }
	if json.Unmarshal(body, &list) == nil && len(list) > 0 {
		e.code, e.message = oneLine(list[0].ErrorCode), oneLine(list[0].Message)
	}
	switch {
	case status == http.StatusUnauthorized || e.code == "INVALID_SESSION_ID":
		e.err = ErrSession
	case status == http.StatusNotFound:
		e.err = ErrNotFound
	}
	return e
}

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

// oneLine bounds text that the org or a file gave: one line, 300 bytes, nothing that steers a terminal.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
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
