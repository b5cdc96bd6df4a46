package oauthflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/fullcast/sfauth/internal/salesforce"
	scrubber "github.com/fullcast/sfauth/internal/scrub"
)

// fields are the string members of a JSON object, by their exact names. Numbers and booleans are kept as their text;
// nested values are left out.
type fields map[string]string

var (
	errNotObject = errors.New("the answer is not a JSON object")
	errCutOff    = errors.New("the answer is cut off or not JSON")
	errTwice     = errors.New("the answer holds a member twice")
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

// errRepeats is the error about a success that holds what was sent.
var errRepeats = errors.New("the answer repeats a secret that was sent, so nothing of it is used")

// repeats reports whether one of the members that are handed out holds a secret. A member of more than 4 KiB counts as one that does.
func (m fields) repeats(secrets []Secret, names ...string) bool {
	said := scrubber.New(secrets...)
	return slices.ContainsFunc(names, func(name string) bool { return said.Mentions(m[name]) })
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
	m, err := readFields(bytes.TrimPrefix(a.body, []byte("\ufeff")))
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
	said := readReply(a.status, a.header, a.body, opaqueToken)
	sent = append(sent, c.Secret, NewSecret(c.ID))
	e.Code, e.Description = said.shown(sent...)
	f.rule(e, c, said.author)
	if to, ok := tokenRedirect(c.Host, a.path, a.status, a.header); ok && !a.rewritten && !scrubber.New(sent...).Mentions(to.name) {
		e.MovedTo, e.Err = to, fmt.Errorf("the host redirects token requests to %s, where they are to be sent; nothing was spent", to.name)
	} else if e.Kind == KindInvalid && a.status/100 == 3 {
		e.Err = errRedirect
	} else if redirects(a.status) {
		e.Err = errForeignRedirect
	} else if e.Kind == KindInvalid && said.unserved() {
		e.Err = errUnserved
	}
	return e
}

// shown returns code and description as they may be shown. What was sent is found across both, too, since they were one text perhaps.
func (a reply) shown(sent ...Secret) (code, description string) {
	if scrub(a.code+" "+a.message, sent...) == redacted {
		return "", redacted
	}
	return scrubCode(a.code, sent...), scrub(a.message, sent...)
}

// scrubCode returns an error code as it may be shown, or nothing when it is none.
func scrubCode(code string, sent ...Secret) string {
	if !salesforce.IsCode(code) || scrub(code, sent...) != code {
		return ""
	}
	return code
}
