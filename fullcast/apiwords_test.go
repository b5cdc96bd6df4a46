package fullcast_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Each refusal of a request goes to the one who can change it, and its sentence promises no other try where that is refused again.
func TestARefusedRequestIsGivenToWhoCanChangeIt(t *testing.T) {
	rest := func(code string) string { return `[{"errorCode":"` + code + `","message":"words"}]` }
	soap := func(code string) string {
		return `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault>` +
			`<faultcode>` + code + `</faultcode><faultstring>words</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
	}
	bulk := func(code string) string {
		return `<error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>` + code + `</exceptionCode><exceptionMessage>words</exceptionMessage></error>`
	}
	for _, c := range []struct {
		status int
		body   string
		remedy fullcast.Remedy
	}{
		// A SOAP API answers each fault with 500, also those of the caller.
		{500, soap("sf:MALFORMED_QUERY"), fullcast.FixCode},
		{500, soap("sf:INVALID_FIELD"), fullcast.FixCode},
		{500, soap("sf:UNSUPPORTED_API_VERSION"), fullcast.FixCode},
		{500, soap("sf:UNKNOWN_EXCEPTION"), fullcast.Retry},
		{500, soap("sf:INSUFFICIENT_ACCESS"), fullcast.AdminGivesPermission},
		{500, soap("soapenv:Server"), fullcast.Retry},
		{500, "<html>", fullcast.Retry},
		{500, rest("UNKNOWN_EXCEPTION"), fullcast.Retry},

		{500, soap("sf:TRIAL_EXPIRED"), fullcast.AdminAsksSalesforce},
		{403, rest("TRIAL_EXPIRED"), fullcast.AdminAsksSalesforce},
		{403, rest("ORG_LOCKED"), fullcast.AdminAsksSalesforce},

		{403, rest("INVALID_OPERATION_WITH_EXPIRED_PASSWORD"), fullcast.AdminResetsPassword},

		{400, rest("STORAGE_LIMIT_EXCEEDED"), fullcast.AdminFreesStorage},
		{500, soap("sf:EXCEEDED_QUOTA"), fullcast.AdminFreesStorage},

		// What the org's own automation refuses is no fault of the program that wrote it.
		{400, rest("FIELD_CUSTOM_VALIDATION_EXCEPTION"), fullcast.AdminFixesRules},
		{400, rest("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"), fullcast.AdminFixesRules},
		{400, rest("CANNOT_EXECUTE_FLOW_TRIGGER"), fullcast.AdminFixesRules},
		{400, rest("DUPLICATES_DETECTED"), fullcast.AdminFixesRules},
		{400, rest("REQUIRED_FIELD_MISSING"), fullcast.FixCode},

		{400, rest("FUNCTIONALITY_TEMPORARILY_UNAVAILABLE"), fullcast.Retry},
		{400, rest("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"), fullcast.Retry},
		{403, rest("TXN_SECURITY_METERING_ERROR"), fullcast.Retry},
		{403, rest("QUERY_TIMEOUT"), fullcast.Retry},

		// A retired version of the APIs, as Salesforce's knowledge article 000354473 names the answers.
		{410, rest("GONE"), fullcast.FixCode},
		{410, rest("UNSUPPORTED_API_VERSION"), fullcast.FixCode},
		{400, bulk("InvalidVersion"), fullcast.FixCode},

		{400, bulk("InvalidBatch"), fullcast.FixCode},
		{400, "<html>", fullcast.FixCode},
		{400, "", fullcast.FixCode},
	} {
		resp := &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(c.body))}
		err := oauthflow.ResponseError(resp)
		remedy := fullcast.RemedyFor(err, metadata.KindExternalClientApp)
		if remedy != c.remedy {
			t.Errorf("%d %s: the remedy is %q, want %q", c.status, c.body, remedy.ID(), c.remedy.ID())
		}
		if text := err.(*oauthflow.Error).Sentence(); strings.Contains(text, "tried again") && remedy != fullcast.Retry { //nolint:errorlint // it is made here
			t.Errorf("%d %s: %q beside %q", c.status, c.body, text, remedy.ID())
		}
	}
}
