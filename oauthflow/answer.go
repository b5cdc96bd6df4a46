package oauthflow

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// fields are the string members of a JSON object, by their exact names. Numbers and booleans are kept as their text;
// nested values are left out.
type fields map[string]string

var (
	errNotObject = errors.New("the answer is not a JSON object")
	errCutOff    = errors.New("the answer is cut off or not JSON")
	errTwice     = errors.New("the answer holds a member twice")
	errRedirect  = errors.New("the host redirects token requests, which are never followed; use the org's My Domain host")
	errTrailing  = errors.New("the answer goes on after its end")
)

// readFields reads an object strictly: exact-case names, no duplicates, nothing after it. What was read before a fault
// comes back with the error, so that a refresh token in an answer that is cut off is not lost. Of a member that comes
// twice nothing is kept unless both are the same.
func readFields(body []byte) (fields, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	out := fields{}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return out, errNotObject
	}
	var fault error
	seen := map[string]string{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return out, errCutOff
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return out, errCutOff
		}
		key, _ := name.(string)
		text, plain := scalar(value)
		old, twice := seen[key]
		seen[key] = text
		switch {
		case twice && (old != text || !plain):
			fault = errTwice
			delete(out, key)
		case twice:
			fault = errTwice
		case plain:
			out[key] = text
		}
	}
	if _, err := d.Token(); err != nil {
		return out, errCutOff
	}
	if _, err := d.Token(); err != io.EOF {
		return out, errTrailing
	}
	return out, fault
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	}
	return "", false
}

// fields reads the answer as the JSON object that a success is. As with readFields, what was read comes back with the
// error.
func (a *answer) fields() (fields, error) {
	m, err := readFields(a.body)
	switch media, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")); {
	case a.err != nil:
		return m, a.err
	case media != "" && media != "application/json":
		return m, errors.New("the answer is not of the type application/json")
	}
	return m, err
}

// refusal turns an answer of Salesforce's OAuth endpoints that is no success into an error, or returns nil for a
// success.
func (f *Flow) refusal(op string, c Client, a *answer, sent ...Secret) error {
	if a.status == http.StatusOK {
		return nil
	}
	e := &Error{Op: op, Host: c.Host.name, Status: a.status, RetryAfter: retryAfter(a.header, f.now())}
	code, description := refusalText(a.body)
	sent = append(sent, c.Secret, NewSecret(c.ID))
	e.Code, e.Description = scrubCode(code, sent...), scrub(description, sent...)
	f.rule(e, c)
	if a.status/100 == 3 {
		e.Err = errRedirect
	}
	return e
}

// refusalText reads the error code and description of a refused request: JSON, or a query string as the revocation
// endpoint writes it.
func refusalText(body []byte) (code, description string) {
	m, _ := readFields(body)
	if m["error"] != "" {
		return m["error"], m["error_description"]
	}
	q, err := url.ParseQuery(strings.TrimSpace(string(body)))
	if err != nil {
		return "", ""
	}
	return q.Get("error"), q.Get("error_description")
}

// resourceText reads the error code and message of a refused API request: the JSON list of the REST API, a SOAP
// fault, the Bulk API's XML, or the bare word of the identity service.
func resourceText(body []byte) (code, message string) {
	text := strings.TrimSpace(string(body))
	switch {
	case strings.HasPrefix(text, "["):
		var list []struct{ ErrorCode, Message string }
		if json.Unmarshal(body, &list) == nil && len(list) > 0 {
			return list[0].ErrorCode, list[0].Message
		}
	case strings.HasPrefix(text, "{"):
		return refusalText(body)
	case strings.HasPrefix(text, "<"):
		var fault struct {
			Code          string `xml:"Body>Fault>faultcode"`
			Message       string `xml:"Body>Fault>faultstring"`
			ExceptionCode string `xml:"exceptionCode"`
			Exception     string `xml:"exceptionMessage"`
		}
		if xml.Unmarshal(body, &fault) == nil {
			code := fault.Code[strings.Index(fault.Code, ":")+1:]
			return code + fault.ExceptionCode, fault.Message + fault.Exception
		}
	case isCode(text):
		return text, ""
	}
	return "", ""
}

// scrubCode returns an error code as it may be shown, or nothing when it is none.
func scrubCode(code string, sent ...Secret) string {
	if !isCode(code) || scrub(code, sent...) != code {
		return ""
	}
	return code
}

// isCode reports whether s looks like the error codes of OAuth and Salesforce.
func isCode(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return s != "" && len(s) <= 64
}
