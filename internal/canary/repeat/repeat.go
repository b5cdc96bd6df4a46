// Package repeat is a server for tests that says back what it was sent, in every place of an answer where words may stand and
// in every way of writing that a server or a proxy would use. What is shown of its answers must hold no secret.
package repeat

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// An Echo is one way to answer a request with itself.
type Echo struct {
	Place   string // where in the answer the words stand
	Part    string // what of the request is repeated
	Writing string // how it is encoded

	whose   User
	place   func(q asked, said string) (*http.Response, error)
	part    func(line, header, body string, values []string) string
	writing func(string) string
}

// String names the echo.
func (e Echo) String() string { return e.Part + " as " + e.Writing + " in " + e.Place }

// A User is whom the results of an echo are about.
type User struct{ Org, ID, Instance string }

// asked is a request: its SOAP operation, which is empty for other requests, and whom the answer is about.
type asked struct {
	*http.Request
	op    string
	whose User
}

// About is the echo whose results are about this user.
func (e Echo) About(u User) Echo {
	e.whose = u
	return e
}

// Saying is the echo that says these words in the place of what was sent.
func (e Echo) Saying(words string) Echo {
	e.Part, e.Writing = "other words", "they are"
	e.part = func(_, _, _ string, _ []string) string { return words }
	e.writing = func(s string) string { return s }
	return e
}

// RoundTrip implements [http.RoundTripper]: it answers the request with itself.
func (e Echo) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
		body = string(b)
	}
	var header bytes.Buffer
	if err := r.Header.Write(&header); err != nil {
		return nil, err
	}
	op := ""
	if m := operation.FindStringSubmatch(body); m != nil {
		op = m[1]
	}
	line := r.Method + " " + r.URL.RequestURI() + " HTTP/1.1\r\nHost: " + r.URL.Host + "\r\n"
	return e.place(asked{r, op, e.whose}, e.writing(e.part(line, header.String(), body, secretsOf(r, body))))
}

var operation = regexp.MustCompile(`<soapenv:Body><(\w+)>`)

// secretsOf returns the values of a request that are worth stealing.
func secretsOf(r *http.Request, body string) (values []string) {
	for _, name := range []string{"Authorization", "X-SFDC-Session", "Cookie"} {
		if v := r.Header.Get(name); v != "" {
			values = append(values, v)
		}
	}
	if _, rest, ok := strings.Cut(body, "<sessionId>"); ok {
		session, _, _ := strings.Cut(rest, "<")
		values = append(values, session)
	}
	form, err := url.ParseQuery(body)
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return values
	}
	for _, name := range []string{"client_secret", "code", "code_verifier", "refresh_token", "token"} {
		if v := form.Get(name); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// Result returns the echo in a success whose words are the whole request as it is.
func Result() Echo {
	for echo := range All() {
		if echo.Place == result {
			return echo
		}
	}
	panic("no place is " + result)
}

const result = "a result"

// All returns every echo: each place with each part and each way of writing.
func All() iter.Seq[Echo] {
	return func(yield func(Echo) bool) {
		for _, place := range places() {
			for _, part := range parts() {
				for _, writing := range writings() {
					if !yield(Echo{place.name, part.name, writing.name, User{}, place.answer, part.of, writing.write}) {
						return
					}
				}
			}
		}
	}
}

type part struct {
	name string
	of   func(line, header, body string, values []string) string
}

func parts() []part {
	return []part{
		{"the whole request", func(line, header, body string, _ []string) string { return line + header + "\r\n" + body }},
		{"the header", func(_, header, _ string, _ []string) string { return header }},
		{"the body", func(_, _, body string, _ []string) string { return body }},
		{"the secrets", func(_, _, _ string, values []string) string { return "got " + strings.Join(values, " and ") }},
		{"the last secret", func(_, _, _ string, values []string) string { return last(values) }},
		{"the beginning of the last secret", func(_, _, _ string, values []string) string {
			s := strings.TrimPrefix(last(values), "Bearer ")
			return "got " + s[:len(s)*2/3] + "..."
		}},
		{"the secrets behind much else", func(_, _, _ string, values []string) string {
			return strings.Repeat(" x", 2040) + " " + strings.Join(values, " ")
		}},
	}
}

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return slices.Clone(values)[len(values)-1]
}

type writing struct {
	name  string
	write func(string) string
}

func writings() []writing {
	return []writing{
		{"it is", func(s string) string { return s }},
		{"a query", url.QueryEscape},
		{"a query in lower case", func(s string) string {
			return percent.ReplaceAllStringFunc(url.QueryEscape(s), strings.ToLower)
		}},
		{"JSON", func(s string) string { return strings.Trim(jsonText(s), `"`) }},
		{"JSON with every sign escaped", func(s string) string {
			return signs.ReplaceAllStringFunc(s, func(c string) string { return fmt.Sprintf(`\u%04x`, c[0]) })
		}},
		{"XML", html.EscapeString},
		{"XML with every sign escaped", func(s string) string {
			return signs.ReplaceAllStringFunc(s, func(c string) string { return fmt.Sprintf("&#x%x;", c[0]) })
		}},
		{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	}
}

var (
	percent = regexp.MustCompile(`%[0-9A-F]{2}`)
	signs   = regexp.MustCompile(`[!-/:-@\[-` + "`" + `{-~]`)
)

type place struct {
	name   string
	answer func(q asked, said string) (*http.Response, error)
}

func places() []place {
	return []place{
		{"the status line", func(_ asked, said string) (*http.Response, error) {
			resp := reply(400, "text/plain", "")
			resp.Status = "400 " + oneLine(said)
			return resp, nil
		}},
		{"the header", func(_ asked, said string) (*http.Response, error) {
			resp := reply(403, oneLine(said), "")
			for _, name := range []string{"WWW-Authenticate", "Location", "Retry-After", "Warning", "Sforce-Limit-Info", "X-Error", "Set-Cookie"} {
				resp.Header.Set(name, oneLine(said))
			}
			return resp, nil
		}},
		{"a redirect", func(_ asked, said string) (*http.Response, error) {
			resp := reply(302, "text/plain", said)
			resp.Header.Set("Location", "https://acme.my.salesforce.com/?x="+url.QueryEscape(said))
			return resp, nil
		}},
		body("plain text", 400, "text/plain", func(_ asked, said string) string { return said }),
		body("a bare word", 403, "text/plain", func(_ asked, said string) string { return strings.Join(strings.Fields(said), "_") }),
		body("a page", 502, "text/html", func(_ asked, said string) string { return "<html><title>" + said + "</title><body>" + said }),
		body("the JSON list of the REST API", 400, "application/json", func(_ asked, said string) string {
			return jsonText([]map[string]string{{"errorCode": said, "message": said}})
		}),
		body("the message of a code", 403, "application/json", func(_ asked, said string) string {
			return jsonText([]map[string]string{{"errorCode": "INSUFFICIENT_ACCESS", "message": said}})
		}),
		body("a JSON object", 400, "application/json", func(_ asked, said string) string {
			return jsonText(map[string]string{"errorCode": said, "message": said, "error": said, "error_description": said})
		}),
		body("an error_description", 400, "application/json", func(_ asked, said string) string {
			return jsonText(map[string]string{"error": "invalid_grant", "error_description": said})
		}),
		body("a query string", 400, "application/x-www-form-urlencoded", func(_ asked, said string) string {
			return url.Values{"error": {"invalid_request"}, "error_description": {said}}.Encode()
		}),
		body("an XML list of errors", 400, "application/xml", func(_ asked, said string) string {
			return "<Errors><Error><errorCode>BAD</errorCode><message>" + html.EscapeString(said) + "</message></Error></Errors>"
		}),
		body("XML of the Bulk API", 400, "application/xml", func(_ asked, said string) string {
			return "<error><exceptionCode>InvalidBatch</exceptionCode><exceptionMessage>" + html.EscapeString(said) + "</exceptionMessage></error>"
		}),
		body("a SOAP fault", 500, "text/xml", func(_ asked, said string) string {
			said = html.EscapeString(said)
			return envelope("<soapenv:Fault><faultcode>sf:" + said + "</faultcode><faultstring>" + said + "</faultstring></soapenv:Fault>")
		}),
		body("broken XML", 200, "text/xml", func(_ asked, said string) string { return "<a><" + strings.Join(strings.Fields(said), "_") + "></b>" }),
		body(result, 200, "", success),
		body("a result that failed", 200, "", failure),
		{"an error of the transport", func(_ asked, said string) (*http.Response, error) {
			return nil, errors.New("cannot send " + said)
		}},
		{"the cause of a URL's error", func(_ asked, said string) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: "https://x.example/", Err: errors.New(said)}
		}},
		{"an error of the network", func(_ asked, said string) (*http.Response, error) {
			return nil, fmt.Errorf("%s: %w", said, &url.Error{Op: "Post", URL: "https://x.example/?y=" + url.QueryEscape(said), Err: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New(said)}})
		}},
	}
}

func envelope(body string) string {
	return `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata"><soapenv:Body>` +
		body + `</soapenv:Body></soapenv:Envelope>`
}

func body(name string, status int, mediaType string, write func(q asked, said string) string) place {
	return place{name, func(q asked, said string) (*http.Response, error) {
		media := mediaType
		if media == "" {
			if media = "application/json"; q.op != "" {
				media = "text/xml"
			}
		}
		return reply(status, media, write(q, said)), nil
	}}
}

// reply is a response that does not name its request, as those of some transports do not.
func reply(status int, mediaType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {mediaType}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1,
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
