package oauthflow_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/fullcast/sfauth/oauthflow"
)

// A 403 of the org's APIs may mean the API limit, a session or a missing right. The body can still be read afterwards.
func ExampleResponseError() {
	resp := &http.Response{
		StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`)),
	}
	err := oauthflow.ResponseError(resp)
	var e *oauthflow.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind)
		fmt.Println(e.Sentence())
	}
	body, err := io.ReadAll(resp.Body)
	fmt.Println(len(body), err)
	// Output:
	// limit
	// The org has used up its API requests of the last 24 hours.
	// 82 <nil>
}

// A library has read the response already; its status, code and message are enough.
func ExampleRefusal() {
	err := oauthflow.Refusal(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
	fmt.Println(err.Kind, err.Kind.Terminal())
	// Output: session ended false
}
