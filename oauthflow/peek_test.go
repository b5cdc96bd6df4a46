package oauthflow_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

var readers = map[string]func(*http.Response){
	"read whole":       func(r *http.Response) { _, _ = io.ReadAll(r.Body) },
	"begun":            func(r *http.Response) { _, _ = io.ReadFull(r.Body, make([]byte, 5)) },
	"closed":           func(r *http.Response) { r.Body.Close() },
	"read and closed":  func(r *http.Response) { _, _ = io.ReadAll(r.Body); r.Body.Close() },
	"understood, read": func(r *http.Response) { _ = oauthflow.ResponseError(r); _, _ = io.ReadAll(r.Body) },
}

func wantBodyRead(t *testing.T, err error, status int) {
	t.Helper()
	e := wireError(t, err, oauthflow.KindInvalid)
	if !errors.Is(err, oauthflow.ErrBodyRead) || e.Status != status || !strings.Contains(err.Error(), "call ResponseError first") {
		t.Errorf("got %v", err)
	}
}

func TestABodyThatWasReadBeforeIsNoRefusalToGuessAt(t *testing.T) {
	body := rest("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
	for _, status := range []int{400, 401, 403, 404, 429, 500, 503} {
		for name, read := range readers {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				f := &far{answer: func(int, *http.Request) *http.Response { return answered(status, body) }}
				w, _, client := call(t, orgtest.Config{}, f)
				resp, err := client.Get(w.org.InstanceURL() + "/x")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				read(resp)
				for range 2 {
					wantBodyRead(t, oauthflow.ResponseError(resp), status)
				}
			})
		}
	}
}

// An http.Client with a Timeout wraps the body, and nothing of this answer tells how long it was.
func TestABodyThatWasReadBeforeIsKnownUnderAClientsTimeout(t *testing.T) {
	const body = `<html><head><title>Error</title></head><body>REQUEST_LIMIT_EXCEEDED</body></html>`
	f := &far{answer: func(int, *http.Request) *http.Response {
		resp := answered(403, body, "Content-Type", "text/html")
		resp.ContentLength = -1
		return resp
	}}
	w, _, client := call(t, orgtest.Config{}, f)
	client.Timeout = time.Minute
	get := func() *http.Response {
		resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits") // whose refusal the transport has read, too
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			resp := get()
			defer resp.Body.Close()
			read(resp)
			for range 2 {
				wantBodyRead(t, oauthflow.ResponseError(resp), 403)
			}
		})
	}
	copied := get()
	text, _ := io.ReadAll(copied.Body)
	copied.Body.Close()
	copied.Body = io.NopCloser(bytes.NewReader(text)) // as who reads a body for a log puts it back
	wireError(t, oauthflow.ResponseError(copied), oauthflow.KindLimit)

	resp := get()
	defer resp.Body.Close()
	for range 2 {
		wireError(t, oauthflow.ResponseError(resp), oauthflow.KindLimit)
	}
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != body {
		t.Errorf("afterwards the body is %q, %v", text, err)
	}
}

// Responses of another transport: net/http's own, with a length, in chunks, and over a closed connection.
func TestABodyThatWasReadBeforeIsKnownOfResponsesOfOtherTransports(t *testing.T) {
	body := rest("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
	for _, head := range []string{
		fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
		fmt.Sprintf("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
		"Content-Type: application/json;charset=UTF-8\r\nConnection: close\r\n\r\n" + body,
	} {
		for name, read := range readers {
			if name == "begun" && !strings.HasPrefix(head, "Content-Length") {
				continue // nothing tells
			}
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader("HTTP/1.1 403 Forbidden\r\n"+head)), mustRequest(t, "https://acme.my.salesforce.com/x"))
			if err != nil {
				t.Fatal(err)
			}
			read(resp)
			for range 2 {
				wantBodyRead(t, oauthflow.ResponseError(resp), 403)
			}
		}
	}
}

func TestABodyThatIsEmptyAsItShouldBeWasNotReadBefore(t *testing.T) {
	head := mustRequest(t, "https://acme.my.salesforce.com/x")
	head.Method = http.MethodHead
	for name, resp := range map[string]*http.Response{
		"HEAD":          {StatusCode: 403, Request: head, ContentLength: 77, Body: http.NoBody, Header: http.Header{"Content-Type": {"application/json"}}},
		"length 0":      {StatusCode: 403, Body: http.NoBody, Header: http.Header{"Content-Type": {"application/json"}}},
		"a test double": {StatusCode: 403, Body: io.NopCloser(strings.NewReader(""))},
		"no body":       {StatusCode: 403},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				wireError(t, oauthflow.ResponseError(resp), oauthflow.KindUnknownAnswer)
			}
		})
	}
}
