package oauthflow

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
)

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.roundTrip(req)
	if err == nil && resp.StatusCode >= http.StatusBadRequest && resp.Body != nil {
		body := watched(resp)
		if resp.Request != nil { // an http.Client with a Timeout wraps the body, and leaves the request
			resp.Request = resp.Request.WithContext(context.WithValue(resp.Request.Context(), refusedBodyKey{}, body))
		}
	}
	return resp, err
}

type refusedBodyKey struct{}

// watched makes the body of a refusal one that remembers its readers.
func watched(resp *http.Response) *refusedBody {
	body, is := resp.Body.(*refusedBody)
	if !is {
		body = &refusedBody{Reader: resp.Body, Closer: resp.Body}
		resp.Body = body
	}
	return body
}

// refusedBody is the body of a refusal. It remembers whether its reader has begun, after which nobody can tell what it said.
type refusedBody struct {
	io.Reader
	io.Closer
	used atomic.Bool
}

func (b *refusedBody) Read(p []byte) (int, error) {
	b.used.Store(true)
	return b.Reader.Read(p)
}

func (b *refusedBody) Close() error {
	b.used.Store(true)
	return b.Closer.Close()
}

// peek reads the beginning of a body, which can still be read whole afterwards. The error is [ErrBodyRead] where somebody has
// read from the body before.
func peek(resp *http.Response) ([]byte, error) {
	if resp.Body == nil { // a response that somebody made
		return nil, nil
	}
	body := watched(resp)
	if body.used.Load() {
		return nil, ErrBodyRead
	}
	head, err := io.ReadAll(io.LimitReader(body.Reader, maxRefusal))
	body.Reader = io.MultiReader(bytes.NewReader(head), body.Reader)
	if errors.Is(err, http.ErrBodyReadAfterClose) {
		err = ErrBodyRead
	}
	return head, err
}

// unread is [peek] of a response that may have come by another transport, whose reader shows by what is missing only.
func unread(resp *http.Response) ([]byte, error) {
	_, ours := resp.Body.(*refusedBody)
	below := bodyBelow(resp)
	read := !ours && below != nil && below.used.Swap(false)
	head, err := peek(resp)
	if read {
		read = below.used.Swap(true) // else the body is another one now, such as a copy
	}
	if err == nil && (read || !ours && incomplete(resp, len(head))) {
		err = ErrBodyRead
	}
	if body, ok := resp.Body.(*refusedBody); ok && errors.Is(err, ErrBodyRead) {
		body.used.Store(true)
	}
	return head, err
}

// bodyBelow returns the body that a [Source.Transport] has returned, which another may wrap now; nil for none.
func bodyBelow(resp *http.Response) *refusedBody {
	if resp.Request == nil {
		return nil
	}
	body, _ := resp.Request.Context().Value(refusedBodyKey{}).(*refusedBody)
	return body
}

// incomplete reports whether a body that has ended after so many bytes must have been longer: by its announced length, or since
// a document of its type is never empty.
func incomplete(resp *http.Response, got int) bool {
	if resp.Request != nil && resp.Request.Method == http.MethodHead || got >= maxRefusal {
		return false
	}
	if resp.ContentLength >= 0 {
		return int64(got) < resp.ContentLength
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return got == 0 && (strings.HasSuffix(media, "json") || strings.HasSuffix(media, "xml"))
}
