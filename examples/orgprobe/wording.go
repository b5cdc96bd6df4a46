package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/oauthflow"
)

// How Salesforce words what it refuses, in places for which no document shows it. Nothing is changed: each request is one
// that cannot be carried out.
var wordingQuestions = []probe{
	{id: "E9", question: "How does the identity URL refuse no token, another org, and another user?", why: "a wrong address told from an ended session",
		ask: identityWording},
	{id: "E10", question: "How is an unknown authorization code refused, and in which case are its letters?", why: "a login that must be begun again",
		ask: func(ctx context.Context, o *org) (answer, error) {
			return refused(o, "exchanged a made-up code", func() error { return o.exchangeMadeUp(ctx) })
		}},
	{id: "W1", question: "What do the REST API's refusals of a deployment look like?", why: "a reader of errors that fits",
		ask: deployWording},
	{id: "W2", question: "How many components may one call read, and how does a call of eleven end?", why: "ten is general knowledge only",
		ask: func(ctx context.Context, o *org) (answer, error) {
			return o.soapAnswer(ctx, "read eleven names that no app has", "readMetadata",
				"<type>ExternalClientApplication</type>"+strings.Repeat("<fullNames>SfauthProbeNobody</fullNames>", 11), "")
		}},
	{id: "W3", question: "How many queries may one listMetadata hold, and how does a call of four end?", why: "three is the documents' number",
		ask: func(ctx context.Context, o *org) (answer, error) {
			return o.soapAnswer(ctx, "listed four types", "listMetadata", strings.Repeat("<queries><type>ConnectedApp</type></queries>", 4), "")
		}},
	{id: "W4", question: "What fault does SOAP answer to an unknown session, with which HTTP status?", why: "what makes the client refresh",
		ask: func(ctx context.Context, o *org) (answer, error) {
			return o.soapAnswer(ctx, "called SOAP with a made-up session", "describeMetadata", "<asOfVersion>"+apiVersion.String()+"</asOfVersion>", "00D!made.up")
		}},
	{id: "W5", question: "What fault does SOAP answer to an unknown type, and to an unknown operation?", why: "too old an org told from a bad call",
		ask: func(ctx context.Context, o *org) (answer, error) {
			a, err := o.soapAnswer(ctx, "listed a type that does not exist, called an operation that does not exist", "listMetadata", "<queries><type>SfauthProbe</type></queries>", "")
			if err != nil {
				return a, err
			}
			b, err := o.soapAnswer(ctx, "", "sfauthProbe", "", "")
			a.Found, a.Evidence = a.Found+"; "+b.Found, a.Evidence+"; "+b.Evidence
			return a, err
		}},
}

// exchangeMadeUp sends the form itself: a Flow sends only the code of a login that it has begun.
func (o *org) exchangeMadeUp(ctx context.Context) error {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {"aPrx" + strings.Repeat("0", 60)}, "redirect_uri": {o.site.CallbackURLs()[0]},
		"code_verifier": {strings.Repeat("0", 43)}, "client_id": {o.client.ID}, "client_secret": {o.client.Secret.Reveal()},
	}
	h, err := o.send(ctx, "https://"+o.client.Host.String(), tokenPath, "application/x-www-form-urlencoded", form.Encode(), "")
	if err != nil {
		return err
	}
	return &oauthflow.Error{Status: h.status, Code: h.text("error"), Description: h.text("error_description")}
}

// identityWording asks for identities that are not the token's.
func identityWording(ctx context.Context, o *org) (answer, error) {
	a := answer{Did: "asked for the identity without a token, of another org, of another user, of no id at all"}
	token, user := o.token.AccessToken.Reveal(), "005000000000000AAA"
	var found []string
	for _, c := range []struct{ what, path, token string }{
		{"no token", "/id/" + o.token.OrgID + "/" + o.token.UserID, ""},
		{"another org", "/id/00D000000000000EAA/" + o.token.UserID, token},
		{"another user", "/id/" + o.token.OrgID + "/" + user, token},
		{"no id", "/id/nobody", token},
	} {
		h, err := o.wire.get(ctx, o.token.InstanceURL, c.path, c.token)
		if err != nil {
			return a, err
		}
		said := h.start()
		if h.status == http.StatusOK { // somebody's identity, which is nobody's business
			said = "answered"
		}
		found = append(found, fmt.Sprintf("%s: HTTP %d %s", c.what, h.status, said))
	}
	a.Found = strings.Join(found, "; ")
	return a, nil
}

// deployWording sends deployments that are none.
func deployWording(ctx context.Context, o *org) (answer, error) {
	a := answer{Did: "asked for a deployment that was never made, deployed nothing, deployed by JSON what was never checked"}
	token := o.token.AccessToken.Reveal()
	var found, shapes []string
	note := func(what string, h heard, err error) error {
		found = append(found, fmt.Sprintf("%s: HTTP %d %s", what, h.status, strings.Join(h.errorCodes(), " ")))
		shapes = append(shapes, h.start())
		return err
	}
	h, err := o.wire.get(ctx, o.token.InstanceURL, deployPath()+"/0Af000000000000AAA", token)
	if err := note("unknown", h, err); err != nil {
		return a, err
	}
	h, err = o.send(ctx, o.token.InstanceURL, deployPath(), "multipart/form-data; boundary=probe", "--probe--\r\n", token)
	if err := note("nothing", h, err); err != nil {
		return a, err
	}
	h, err = o.send(ctx, o.token.InstanceURL, deployPath(), "application/json", `{"validatedDeployRequestId":"0Af000000000000AAA"}`, token)
	err = note("never checked", h, err)
	a.Found, a.Evidence = strings.Join(found, "; "), strings.Join(shapes, "; ")
	return a, err
}

var errorCode = regexp.MustCompile(`"errorCode"\s*:\s*"([A-Z_]+)"`)

func (h heard) errorCodes() []string {
	var found []string
	for _, m := range errorCode.FindAllSubmatch(h.body, -1) {
		found = append(found, string(m[1]))
	}
	return slices.Compact(found)
}

var (
	faultCode   = regexp.MustCompile(`<faultcode>([^<]{1,80})</faultcode>`)
	faultString = regexp.MustCompile(`<faultstring>([^<]{1,300})`)
)

// soapAnswer makes one call of the Metadata API, with the probe's own session unless another is given.
func (o *org) soapAnswer(ctx context.Context, did, op, inner, session string) (answer, error) {
	if session == "" {
		session = o.token.AccessToken.Reveal()
	}
	h, err := o.send(ctx, o.token.InstanceURL, "/services/Soap/m/"+apiVersion.String(), "text/xml; charset=UTF-8",
		`<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata"><e:Header><SessionHeader><sessionId>`+
			session+`</sessionId></SessionHeader></e:Header><e:Body><`+op+`>`+inner+`</`+op+`></e:Body></e:Envelope>`, "")
	a := answer{Did: did, Found: fmt.Sprintf("HTTP %d, no fault", h.status)}
	if m := faultCode.FindSubmatch(h.body); m != nil {
		a.Found = fmt.Sprintf("HTTP %d, %s", h.status, m[1])
	}
	if m := faultString.FindSubmatch(h.body); m != nil {
		a.Evidence = string(m[1])
	}
	return a, err
}

// send makes one POST.
func (o *org) send(ctx context.Context, origin, path, form, body, token string) (heard, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+path, strings.NewReader(body))
	if err != nil {
		return heard{}, err
	}
	req.Header.Set("Content-Type", form)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if strings.HasPrefix(form, "text/xml") {
		req.Header.Set("SOAPAction", `""`)
	}
	resp, err := o.wire.RoundTrip(req)
	if err != nil {
		return heard{}, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return o.wire.last(http.MethodPost, path), err
}
