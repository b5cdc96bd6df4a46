package fullcast

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/oauthflow"
)

var (
	errPageInstead = errors.New("the answer is a page for people in place of the data that the request asks for, such as a login page, " +
		"a maintenance page, or that of a proxy; its status says success, and nothing says whether the request was carried out")
	errLoginPage = errors.New("the host redirects the request to a login page, which is not its answer; it was not carried out")
)

// misplaced returns the error for a success that is no answer to its request: a page where data were asked for, or the login page that a
// request was redirected to. Parsed tells that the call has a value that the answer is to be read into. The body stays whole.
func (c *Connection) misplaced(req *http.Request, resp *http.Response, parsed bool) error {
	var cause error
	switch {
	case resp.StatusCode/100 != 2:
		return nil
	case endsInLogin(req) && isPage(resp):
		cause = errLoginPage
	case (parsed || asksForData(req.Header)) && isPage(resp):
		cause = errPageInstead
	default:
		return nil
	}
	return c.wrap(operation(req), &oauthflow.Error{
		Op: "request", Host: req.URL.Host, Kind: oauthflow.KindBadAnswer, Status: resp.StatusCode, Err: cause,
	})
}

// asksForData reports whether a request accepts JSON, XML or CSV, and no page.
//
// Source: RFC 9110 §12.5.1.
func asksForData(h http.Header) bool {
	data := false
	for name, values := range h {
		if !strings.EqualFold(name, "Accept") {
			continue
		}
		for accepted := range strings.SplitSeq(strings.Join(values, ","), ",") {
			media, _, _ := strings.Cut(accepted, ";")
			switch media = strings.ToLower(strings.TrimSpace(media)); {
			case isPageType(media), strings.HasSuffix(media, "/*"):
				return false
			case strings.HasSuffix(media, "json"), strings.HasSuffix(media, "xml"), strings.HasSuffix(media, "csv"):
				data = true
			}
		}
	}
	return data
}

func isPageType(media string) bool { return media == "text/html" || media == "application/xhtml+xml" }

// isPage reports whether an answer is a page, by its type or by how it begins.
func isPage(resp *http.Response) bool {
	if resp.Body == nil {
		return false
	}
	ahead := bufio.NewReader(resp.Body)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{ahead, resp.Body}
	if _, err := ahead.Peek(1); err != nil { // it is empty
		return false
	}
	head, _ := ahead.Peek(ahead.Buffered())
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return isPageType(media) || salesforce.IsPage(salesforce.PlainText(resp.Header, head))
}

// endsInLogin reports whether a request is a redirect to one of the pages at which a user logs in.
//
// Source: what the hosts do is public knowledge: /?ec=302&startURL=…, /login, /secur/…, /_ui/identity/….
func endsInLogin(req *http.Request) bool {
	if req.Response == nil {
		return false
	}
	path, query := req.URL.Path, req.URL.Query()
	return (path == "" || path == "/") && (query.Has("ec") || query.Has("startURL")) || path == "/login" ||
		strings.HasPrefix(path, "/secur/") || strings.HasPrefix(path, "/_ui/identity/")
}
