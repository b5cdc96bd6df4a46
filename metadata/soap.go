package metadata

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// answer is a SOAP body's element with the document it lies in.
type answer struct {
	*node
	doc *document
}

// soap calls one operation. When the org refuses the session as expired, it asks for another one and calls a second
// and last time: no operation has happened before.
func (o *Org) soap(ctx context.Context, op, body string) (answer, error) {
	token, err := o.cfg.Session(ctx, "")
	if err != nil {
		return answer{}, err
	}
	a, err := o.soapOnce(ctx, token, op, body)
	if !errors.Is(err, ErrSession) {
		return a, err
	}
	fresh, err2 := o.cfg.Session(ctx, token)
	if err2 != nil {
		return answer{}, err2
	}
	return o.soapOnce(ctx, fresh, op, body)
}

func (o *Org) soapOnce(ctx context.Context, token, op, body string) (answer, error) {
	if strings.HasPrefix(token, "eyJ") && strings.Count(token, ".") == 2 {
		return answer{}, ErrJWTSession
	}
	target, err := o.url(ctx, fmt.Sprintf("/services/Soap/m/%s", o.cfg.Version))
	if err != nil {
		return answer{}, err
	}
	envelope := `<?xml version="1.0" encoding="UTF-8"?>` +
		`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="` + xsiNamespace + `" xmlns="` + namespace + `">` +
		`<soapenv:Header><SessionHeader><sessionId>` + escaper.Replace(token) + `</sessionId></SessionHeader></soapenv:Header>` +
		`<soapenv:Body><` + op + `>` + body + `</` + op + `></soapenv:Body></soapenv:Envelope>`
	resp, err := o.rest.R().SetContext(ctx).
		SetHeader("Content-Type", "text/xml; charset=UTF-8").
		SetHeader("SOAPAction", `""`).
		SetBody([]byte(envelope)).
		Post(target)
	if err != nil {
		return answer{}, transportError(err)
	}
	doc, _, err := parseDocument(resp.Body())
	if err != nil {
		if resp.StatusCode() != http.StatusOK {
			return answer{}, restError(resp.StatusCode(), resp.Body())
		}
		return answer{}, fmt.Errorf("the org's answer is not SOAP: %w", err)
	}
	if fault := doc.root.at("Body", "Fault"); fault != nil {
		return answer{}, soapFault(resp.StatusCode(), fault)
	}
	if n := doc.root.at("Body", op+"Response"); n != nil && resp.StatusCode() == http.StatusOK {
		return answer{n, doc}, nil
	}
	return answer{}, &answerError{status: resp.StatusCode(), message: "the org's answer is not that of " + op}
}

func soapFault(status int, fault *node) error {
	code := fault.value("faultcode")
	e := &answerError{status: status, code: oneLine(code[strings.LastIndexByte(code, ':')+1:])}
	e.message = oneLine(strings.TrimPrefix(fault.value("faultstring"), e.code+": "))
	if e.code == "INVALID_SESSION_ID" {
		e.err = ErrSession
	}
	return e
}

// tag writes a SOAP element with text.
func tag(name, text string) string {
	return "<" + name + ">" + escaper.Replace(text) + "</" + name + ">"
}
