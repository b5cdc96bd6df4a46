package adminui

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
)

// call makes one request of the API from the browser's, and reads its answer into out. Nil is the answer of a success.
//
// The API takes the request as one of its own origin: this handler has checked where the browser's comes from, and what only shows
// something may be led to from anywhere.
func (u *ui) call(v visit, method, path, query string, in map[string]string, out any) *problem {
	r := v.Request.Clone(v.Context())
	r.Method, r.RequestURI, r.Form, r.PostForm, r.MultipartForm = method, "", nil, nil, nil
	r.URL = &url.URL{Path: path, RawQuery: query}
	if plain, err := url.PathUnescape(path); err == nil {
		r.URL.Path, r.URL.RawPath = plain, path
	}
	for _, name := range []string{"Origin", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Content-Type", "Content-Length", "Transfer-Encoding"} {
		r.Header.Del(name)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
	if method == http.MethodPost || method == http.MethodPut {
		text, err := json.Marshal(in)
		if in == nil || err != nil { // strings always become JSON
			text = []byte("{}")
		}
		r.Header.Set("Content-Type", "application/json")
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	}
	a := answer{header: http.Header{}, status: http.StatusOK}
	u.API.ServeHTTP(&a, r)
	for _, cookie := range a.header.Values("Set-Cookie") { // ties a login to this browser
		v.w.Header().Add("Set-Cookie", cookie)
	}
	return a.read(out)
}

// answer is what the API has answered.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header, WriteHeader and Write make it an [http.ResponseWriter].
func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

func (a *answer) read(out any) *problem {
	unread := &problem{Code: "internal", Message: "Fullcast cannot read the answer of its own API.", Status: http.StatusInternalServerError}
	if a.status/100 == 2 {
		if out != nil && a.status != http.StatusNoContent && json.Unmarshal(a.body.Bytes(), out) != nil {
			return unread
		}
		return nil
	}
	var refused struct{ Error *problem }
	if json.Unmarshal(a.body.Bytes(), &refused) != nil || refused.Error == nil {
		return unread
	}
	refused.Error.Status = a.status
	return refused.Error
}

// of is the path of a connection in the API.
func of(name, rest string) string { return "/connections/" + url.PathEscape(name) + rest }
