package fullcast

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/go-resty/resty/v2"

	"github.com/fullcast/sfauth/oauthflow"
)

// Resty returns a new resty client over [Connection.HTTPClient] with the instance URL as its base. It never repeats a
// request by itself. An answer is read into memory whole, however small the org sent it: SetResponseBodyLimit bounds it, by
// default nothing does.
//
// A refusal, which is an answer with status 400 or above, is an error of the call, as resty's own are not: errors.As finds the
// *[Error] with its [Remedy] and the *oauthflow.Error with Kind, Status and Salesforce's words. The *resty.Response comes with it:
// status and header, the body, and what SetError names, filled from a body of JSON or XML. After SetDoNotParseResponse the body is
// in RawBody, need not be closed, and ends after 64 KiB; after SetOutput it is in Body instead of the file, which is not touched.
// With either of the two resty takes a refusal for a failed call: where the caller has set retries, resty repeats it, and retry
// conditions see no status.
//
// A refusal whose body cannot be read whole, since it is above the caller's limit or the connection breaks, is such an error, too,
// and wraps what happened: errors.Is finds resty.ErrResponseBodyTooLarge. The response has what was read, 64 KiB at most.
//
// A redirect that comes back is such an error, too: the org has not carried out the request; see [oauthflow.CheckRedirect]. So is a
// page of HTML with a status of success where the call has asked for data, by SetResult or by an Accept header that names JSON, XML or
// CSV and no page: a login, maintenance or proxy page, with kind [oauthflow.KindBadAnswer]. A call that asks for neither gets a page as
// it is, since a file may be one, unless the request was redirected to a login page of Salesforce's.
//
// The client's transport adds the access token, so that another may be set around it and not in its place, as httpmock's
// ActivateNonDefault does: a first call that goes past it fails with the remedy [FixCode]. A mock belongs in Config.Transport; see
// package fullcasttest.
//
// The error's text names method, status and path, and never the query.
func (c *Connection) Resty() *resty.Client {
	hc := c.HTTPClient()
	t := &refusing{c: c, next: hc.Transport}
	hc.Transport = t
	return resty.NewWithClient(hc).SetBaseURL(c.seen.Load().InstanceURL).
		OnBeforeRequest(prepare).OnAfterResponse(t.refuse).OnError(complete)
}

// restyCall is what client and transport tell each other about one call.
type restyCall struct {
	client  *resty.Client
	request *resty.Request
	streams bool           // resty hands the body on unread, and asks nobody what to make of it
	parses  bool           // resty reads a success into a value of the caller's
	refused error          // the refusal of its answer
	resp    *http.Response // that answer, where resty takes it for a failed call
	body    []byte         // its beginning
}

type restyCallKey struct{}

func prepare(client *resty.Client, r *resty.Request) error {
	call := &restyCall{client: client, request: r, streams: set(r, "notParseResponse") || set(r, "isSaveResponse") || set(client, "notParseResponse"), parses: r.Result != nil}
	r.SetContext(context.WithValue(r.Context(), restyCallKey{}, call))
	return nil
}

// set reads a switch of resty's that has a setter and no getter.
func set(of any, name string) bool {
	f := reflect.ValueOf(of).Elem().FieldByName(name)
	return f.IsValid() && f.Kind() == reflect.Bool && f.Bool()
}

// refusing is the transport below resty. It reads a refusal before resty does.
type refusing struct {
	c       *Connection
	next    http.RoundTripper
	reached atomic.Bool // by a request of its client
}

func (t *refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	t.reached.Store(true)
	resp, err := t.next.RoundTrip(req)
	call, ours := req.Context().Value(restyCallKey{}).(*restyCall)
	if err != nil || !ours {
		return resp, err
	}
	if resp.Request == nil {
		resp.Request = req
	}
	call.refused = t.c.refusal(resp)
	success := call.refused == nil
	if success {
		call.refused = t.c.misplaced(req, resp, call.parses)
	}
	switch {
	case call.refused == nil:
		return resp, nil
	case !call.streams && !(success && call.parses): // resty would fail to read a page before it asks
		call.carry(resp)
		return resp, nil
	}
	call.body, _ = io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(call.body))
	call.resp = resp
	return nil, call.refused
}

// errNotFollowed explains a redirect that comes back to the caller.
var errNotFollowed = errors.New("the host redirects the request, which was not carried out, to an address to which it is not sent")

// refusal returns the error for an answer with which the org has not carried out a request.
func (c *Connection) refusal(resp *http.Response) error {
	if !comesBack(resp) {
		return c.ResponseError(resp)
	}
	return c.wrap(operation(resp.Request), &oauthflow.Error{
		Op: "request", Host: resp.Request.URL.Host, Kind: oauthflow.KindUnknownAnswer, Status: resp.StatusCode, Err: errNotFollowed,
	})
}

// comesBack reports whether an answer is a redirect that the clients of [Connection.HTTPClient] do not follow.
func comesBack(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return false
	}
	to, err := resp.Location()
	return err != nil || oauthflow.CheckRedirect(&http.Request{URL: to}, []*http.Request{resp.Request}) == http.ErrUseLastResponse
}

// maxRefusal is how much of a refusal is kept for a caller who streams, in bytes.
const maxRefusal = 64 << 10

var errReplaced = errors.New("the transport of this client was replaced, so that the request carried no access token; " +
	"give a mock to fullcast.Config.Transport instead, and set a transport that traces around the client's own")

// refuse makes a refusal an error of the call, and an answer that came past the transport. Where a caller's own hook has replaced the context, it is read from what resty has
// read.
func (t *refusing) refuse(_ *resty.Client, r *resty.Response) error {
	if !t.reached.Load() {
		return &Error{Op: operation(r.RawResponse.Request), Key: t.c.Key(), Remedy: FixCode, Err: errReplaced}
	}
	if call, ok := r.Request.Context().Value(restyCallKey{}).(*restyCall); ok {
		return call.refused
	}
	resp := *r.RawResponse
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(r.Body())), int64(len(r.Body()))
	if err := t.c.refusal(&resp); err != nil {
		return err
	}
	return t.c.misplaced(resp.Request, &resp, r.Request.Result != nil)
}

// complete gives the response of a failed call what resty left out, and its error no query.
func complete(r *resty.Request, err error) {
	var failed *resty.ResponseError
	if !errors.As(err, &failed) {
		return
	}
	var u *url.Error
	if errors.As(failed.Err, &u) {
		u.URL, _, _ = strings.Cut(u.URL, "?")
	}
	call, ok := r.Context().Value(restyCallKey{}).(*restyCall)
	if !ok || call.resp == nil || failed.Response == nil {
		return
	}
	failed.Response.RawResponse = call.resp
	if call.streams && !set(r, "isSaveResponse") {
		return
	}
	failed.Response.SetBody(call.body)
	if r.Error == nil && call.client.Error != nil { // as resty does where it parses
		r.Error = reflect.New(call.client.Error).Interface()
	}
	if r.Error != nil {
		_ = resty.Unmarshalc(call.client, call.resp.Header.Get("Content-Type"), call.body, r.Error)
	}
}
