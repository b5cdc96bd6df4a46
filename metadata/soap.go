package metadata

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/internal/secret"
)

// answer is a SOAP body's element with the document it lies in.
type answer struct {
	*node
	doc  *document
	said scrub.Scrubber // knows what was sent
}

// line returns a text of the answer as it may be shown.
func (a answer) line(text string) string { return a.said.Line(text, maxText) }

// soap calls one operation. When the org refuses the session, it asks for another one and calls a second and last time: no
// operation has happened before. Of a JWT that is refused nobody can tell whether it has expired or whether SOAP takes none, until a
// fresh one is refused, too; that one is not replaced again. Where another org has been connected meanwhile, whose session that
// other one is, it is not asked for what the first was.
func (o *Org) soap(ctx context.Context, op, body string) (answer, error) {
	origin, token, err := o.pair(ctx)
	if err != nil {
		return answer{}, err
	}
	a, err := o.soapOnce(ctx, origin, token, op, body)
	if !errors.Is(err, ErrSession) {
		return a, err
	}
	jwt := salesforce.IsJWT(token)
	if last := o.freshJWT.Load(); jwt && last != nil && *last == token {
		return a, refusedJWT(err)
	}
	fresh, err2 := o.cfg.Session(ctx, token)
	if err2 != nil {
		return answer{}, err2
	}
	if jwt && fresh == token { // there is no other, so that the same would be said again
		return a, refusedJWT(err)
	}
	now, err2 := o.origin(ctx)
	if err2 != nil {
		return answer{}, err2
	}
	if now != origin && !sameOrg(token, fresh) {
		return a, err
	}
	a, err = o.soapOnce(ctx, now, fresh, op, body)
	if errors.Is(err, ErrSession) && salesforce.IsJWT(fresh) {
		o.freshJWT.Store(&fresh)
		err = refusedJWT(err)
	}
	return a, err
}

// refusedJWT makes the org's refusal of a JWT an [ErrJWTSession], which has two causes.
func refusedJWT(err error) error {
	var a *answerError
	if !errors.As(err, &a) {
		return ErrJWTSession
	}
	refused := *a
	refused.message = ErrJWTSession.Error()
	refused.err = errors.Join(ErrJWTSession, ErrSession)
	return &refused
}

func (o *Org) soapOnce(ctx context.Context, origin, token, op, body string) (answer, error) {
	envelope := `<?xml version="1.0" encoding="UTF-8"?>` +
		`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="` + xsiNamespace + `" xmlns="` + namespace + `">` +
		`<soapenv:Header><SessionHeader><sessionId>` + escaper.Replace(token) + `</sessionId></SessionHeader></soapenv:Header>` +
		`<soapenv:Body><` + op + `>` + body + `</` + op + `></soapenv:Body></soapenv:Envelope>`
	said := scrub.New(secret.New(token))
	resp, err := o.rest.R().SetContext(ctx).
		SetHeader("Content-Type", "text/xml; charset=UTF-8").
		SetHeader("SOAPAction", `""`).
		SetBody([]byte(envelope)).
		Post(origin + fmt.Sprintf("/services/Soap/m/%s", o.cfg.Version))
	if err != nil {
		return answer{}, transportError(err, said)
	}
	if resp.StatusCode() != http.StatusOK {
		return answer{}, refusal(resp, said)
	}
	doc, _, err := parseDocument(resp.Body())
	if err != nil {
		return answer{}, errors.New("the org's answer is not SOAP: " + said.Line(err.Error(), maxText))
	}
	if doc.root.at("Body", "Fault") != nil {
		return answer{}, refusal(resp, said)
	}
	if said.Repeats(resp.Body()) || said.Repeats(doc.texts()) {
		return answer{}, errRepeats
	}
	if n := doc.root.at("Body", op+"Response"); n != nil {
		return answer{n, doc, said}, nil
	}
	return answer{}, &answerError{status: resp.StatusCode(), message: "the org's answer is not that of " + op}
}

// tag writes a SOAP element with text.
func tag(name, text string) string {
	return "<" + name + ">" + escaper.Replace(text) + "</" + name + ">"
}
