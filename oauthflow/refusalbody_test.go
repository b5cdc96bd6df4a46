package oauthflow_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func utf16Of(text string, order binary.ByteOrder) string {
	var b bytes.Buffer
	_ = binary.Write(&b, order, utf16.Encode([]rune("\ufeff"+text)))
	return b.String()
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func deflated(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func TestARefusalIsReadInEveryFormInWhichItComes(t *testing.T) {
	const (
		soap11 = `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>sf:REQUEST_LIMIT_EXCEEDED</faultcode><faultstring>REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded.</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
		detail = `<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>no</faultstring><detail><sf:UnexpectedErrorFault xmlns:sf="urn:x"><sf:exceptionCode>REQUEST_LIMIT_EXCEEDED</sf:exceptionCode><sf:exceptionMessage>used up</sf:exceptionMessage></sf:UnexpectedErrorFault></detail></SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>`
		soap12 = `<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body><env:Fault><env:Code><env:Value>env:Sender</env:Value><env:Subcode><env:Value>sf:REQUEST_LIMIT_EXCEEDED</env:Value></env:Subcode></env:Code><env:Reason><env:Text xml:lang="en">used up</env:Text></env:Reason></env:Fault></env:Body></env:Envelope>`
		errs   = `<Errors><Error><errorCode>REQUEST_LIMIT_EXCEEDED</errorCode><message>TotalRequests Limit exceeded.</message></Error></Errors>`
		policy = `<?xml version="1.0" encoding="UTF-8"?><Errors><Error><message>This session is not valid for use with the REST API</message><errorCode>INVALID_SESSION_ID</errorCode></Error></Errors>`
	)
	list := rest("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
	for _, c := range []struct {
		name   string
		status int
		body   string
		coding string
		kind   oauthflow.ErrorKind
		code   string
	}{
		{"a list", 403, list, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"a list of two", 403, list[:len(list)-1] + `,{"errorCode":"OTHER_CODE"}]`, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"a list with more about it", 403, `[{"fields":["a","b"],"extendedErrorDetails":[{"extendedErrorCode":"X1"}],"message":"m","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"one object", 403, `{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"m"}`, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"one object in OAuth's words", 403, `{"error":"REQUEST_LIMIT_EXCEEDED","error_description":"m"}`, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"one object around the list", 403, `{"errors":` + list + `}`, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"the Bulk API's JSON", 400, `{"exceptionCode":"InvalidSessionId","exceptionMessage":"Invalid session id"}`, "", oauthflow.KindSession, "InvalidSessionId"},
		{"XML", 403, errs, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"XML with a declaration and blanks before it", 403, "\r\n\t <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + errs, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"XML in ISO-8859-1", 403, `<?xml version="1.0" encoding="ISO-8859-1"?><Errors><Error><message>d` + "\xe9" + `pass` + "\xe9" + `</message><errorCode>REQUEST_LIMIT_EXCEEDED</errorCode></Error></Errors>`, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"XML in a coding that nobody knows", 403, `<?xml version="1.0" encoding="x-unknown"?>` + errs, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"XML without end", 403, errs[:len(errs)-20], "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"SOAP 1.1", 403, soap11, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"SOAP 1.1 with the code in its detail", 403, detail, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"SOAP 1.2", 403, soap12, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"an app policy as XML", 401, policy, "", oauthflow.KindAppPolicy, "INVALID_SESSION_ID"},
		{"an app policy as one object", 401, `{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}`, "", oauthflow.KindAppPolicy, "INVALID_SESSION_ID"},
		{"a byte order mark before JSON", 403, "\ufeff" + list, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"a byte order mark before XML", 403, "\ufeff" + errs, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"a byte order mark before a bare word", 403, "\ufeffBad_OAuth_Token", "", oauthflow.KindSession, "Bad_OAuth_Token"},
		{"a bare word in quotation marks", 403, `"Bad_OAuth_Token"`, "", oauthflow.KindSession, "Bad_OAuth_Token"},
		{"UTF-16, the high byte first", 403, utf16Of(list, binary.BigEndian), "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"UTF-16 XML, the low byte first", 403, utf16Of(`<?xml version="1.0" encoding="UTF-16"?>`+errs, binary.LittleEndian), "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"gzip", 403, gzipped(list), "gzip", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"gzip that is cut off", 403, gzipped(list + strings.Repeat(" 8f3a", 900))[:120], "gzip", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"deflate", 401, deflated(policy), "deflate", oauthflow.KindAppPolicy, "INVALID_SESSION_ID"},
		{"gzip behind identity", 403, gzipped(list), "identity, gzip", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"gzip in deflate", 401, deflated(gzipped(policy)), "gzip,deflate", oauthflow.KindAppPolicy, "INVALID_SESSION_ID"},
		{"an app policy in two lines of JSON", 401, `[{"message":"This session is not valid\nfor use  with the REST API","errorCode":"INVALID_SESSION_ID"}]`, "", oauthflow.KindAppPolicy, "INVALID_SESSION_ID"},
		{"an app policy in two lines of XML", 401, strings.Replace(policy, "not valid for", "not valid\r\n\tfor", 1), "", oauthflow.KindAppPolicy, "INVALID_SESSION_ID"},
		{"an app policy in two lines of a page", 401, "<html><body>INVALID_SESSION_ID: This session is not\n   valid for use&nbsp;with the REST API</body></html>", "", oauthflow.KindAppPolicy, "INVALID_SESSION_ID"},
		{"the words of an ended session in two lines of a page", 401, "<html><body>Session expired\n or invalid</body></html>", "", oauthflow.KindSession, "INVALID_SESSION_ID"},
		{"a tree of records", 400, `{"hasErrors":true,"results":[{"referenceId":"r1","errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"m","fields":[]}]}]}`, "", oauthflow.KindBusy, "UNABLE_TO_LOCK_ROW"},
		{"a gateway's JSON with its status", 401, `{"statusCode":"401","message":"Access denied due to missing subscription key"}`, "", oauthflow.KindUnknownAnswer, ""},
		{"a gateway's JSON with its status as a number", 401, `{"statusCode":401,"message":"Unauthorized"}`, "", oauthflow.KindUnknownAnswer, ""},
		{"JSON that is cut off", 403, list[:len(list)-1] + `,{"message":"` + strings.Repeat("x", 80<<10), "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"a page with Salesforce's word", 403, `<!DOCTYPE html><html><body><h1>Error</h1><p>REQUEST_LIMIT_EXCEEDED</p></body></html>`, "", oauthflow.KindLimit, "REQUEST_LIMIT_EXCEEDED"},
		{"a page with the words of an ended session", 401, `<html><body>Session expired or invalid</body></html>`, "", oauthflow.KindSession, "INVALID_SESSION_ID"},
		{"a page with an app policy", 401, `<html><body>INVALID_SESSION_ID: This session is not valid for use with the REST&nbsp;API</body></html>`, "", oauthflow.KindAppPolicy, "INVALID_SESSION_ID"},
		{"a page of a proxy, with 401", 401, `<html><body>Authentication required by proxy. Access denied.</body></html>`, "", oauthflow.KindUnknownAnswer, ""},
		{"a page of a firewall, with 403", 403, `<HTML><head><title>Blocked</title></head>ERR_ACCESS_DENIED</HTML>`, "", oauthflow.KindUnknownAnswer, ""},
		{"a longer word around Salesforce's", 401, `<html>X_INVALID_SESSION_ID_X</html>`, "", oauthflow.KindUnknownAnswer, ""},
		{"a gateway's JSON", 401, `{"timestamp":"2026-11-05","status":401,"error":"Unauthorized","path":"/x"}`, "", oauthflow.KindUnknownAnswer, "Unauthorized"},
		{"a gateway's text", 403, `Forbidden`, "", oauthflow.KindUnknownAnswer, ""},
		{"a page with 407", 407, `<html>proxy</html>`, "", oauthflow.KindUnknownAnswer, ""},
		{"a page with 451", 451, `<html>not in your country</html>`, "", oauthflow.KindUnknownAnswer, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &far{answer: func(int, *http.Request) *http.Response {
				return answered(c.status, c.body, "Content-Encoding", c.coding)
			}}
			w, _, client := call(t, orgtest.Config{}, f)
			resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			e := wireError(t, oauthflow.ResponseError(resp), c.kind)
			if e.Code != c.code {
				t.Errorf("the code is %q, want %q", e.Code, c.code)
			}
			refreshes := 0
			if c.kind == oauthflow.KindSession {
				refreshes = 1
			}
			if w.wire.refreshes() != refreshes {
				t.Errorf("%d refreshes, want %d", w.wire.refreshes(), refreshes)
			}
		})
	}
}

func TestARefusalOfTheTokenEndpointIsReadInEveryFormInWhichItComes(t *testing.T) {
	dead := oauthBody("invalid_grant", "expired access/refresh token")
	for _, c := range []struct {
		name   string
		status int
		body   string
		coding string
		kind   oauthflow.ErrorKind
	}{
		{"one object", 400, dead, "", oauthflow.KindGrantDead},
		{"a byte order mark before it", 400, "\ufeff" + dead, "", oauthflow.KindGrantDead},
		{"UTF-16", 400, utf16Of(dead, binary.LittleEndian), "", oauthflow.KindGrantDead},
		{"a list of one", 400, "[" + dead + "]", "", oauthflow.KindGrantDead},
		{"XML, as the Accept header may ask for", 400, `<?xml version="1.0" encoding="UTF-8"?><OAuth><error>invalid_grant</error><error_description>expired access/refresh token</error_description></OAuth>`, "", oauthflow.KindGrantDead},
		{"a form", 400, "error=invalid_grant&error_description=expired+access%2Frefresh+token", "", oauthflow.KindGrantDead},
		{"gzip", 400, gzipped(dead), "gzip", oauthflow.KindGrantDead},
		{"a page with code and words", 400, `<html><body>invalid_grant: expired access/refresh token</body></html>`, "", oauthflow.KindGrantDead},
		{"the error page of the login host", 400, `<html><a href="/setup/secur/RemoteAccessErrorPage.apexp?error=invalid_client&amp;error_description=app+must+be+installed+into+org">x</a></html>`, "", oauthflow.KindAppMissing},
		{"a page with the words alone", 400, `<html>expired access/refresh token</html>`, "", oauthflow.KindUnknownAnswer},
		{"a page with another product's code", 401, `<html>proxy sign-in failed: invalid_client</html>`, "", oauthflow.KindUnknownAnswer},
		{"an org without data", 420, `<html><div id="errorTitle">Data Not Available</div>The data you were trying to access could not be found. It may be due to a system error.</html>`, "", oauthflow.KindBusy},
		{"the page of an address at which nothing is served", 404, noSuchURL, "", oauthflow.KindInvalid},
		{"the code of a host that does not serve the org", 404, notReset, "", oauthflow.KindInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := refreshWith(t, says(c.status, c.body, "Content-Encoding", c.coding))
			wireError(t, err, c.kind)
		})
	}
}

func TestASuccessWithAByteOrderMarkIsASuccess(t *testing.T) {
	if tok, err := refreshWith(t, says(200, "\ufeff"+tokenAnswer(nil))); err != nil || tok.AccessToken.IsZero() {
		t.Errorf("got %v", err)
	}
}

func TestAPageWithStatus200IsNoAnswerOfAnyEndpoint(t *testing.T) {
	for op, ask := range wireCalls(t) {
		err := ask(wireFlow(t, says(200, foreignBodies["a page"], "Content-Type", "text/html")))
		if e := foreignError(t, err); e.Kind.Status() == oauthflow.StatusBroken {
			t.Errorf("%s: %q", op, e.Kind)
		}
	}
	if err := wireFlow(t, says(200, "")).Revoke(t.Context(), wireClient(t, wireHost), wireToken()); err != nil {
		t.Errorf("a revocation as Salesforce confirms it: %v", err)
	}
}

func foreignError(t *testing.T, err error) *oauthflow.Error {
	t.Helper()
	e, ok := err.(*oauthflow.Error)
	if !ok {
		t.Fatalf("got %v, want an *oauthflow.Error", err)
	}
	return e
}
