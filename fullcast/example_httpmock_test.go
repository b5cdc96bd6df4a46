package fullcast_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/jarcoal/httpmock"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
)

// countAccounts is a service's own code, which its unit test is about. The one error that it checks is also that of a refusal by
// Salesforce: a status of 400 or above.
func countAccounts(ctx context.Context, sf *fullcast.Connector, k oauthflow.Key) (int, error) {
	conn, err := sf.Open(ctx, k)
	if err != nil {
		return 0, err
	}
	var answer struct{ TotalSize int }
	_, err = conn.Resty().R().SetContext(ctx).SetResult(&answer).
		SetQueryParam("q", "SELECT Id FROM Account").Get("/services/data/v" + fullcast.APIVersion.String() + "/query")
	return answer.TotalSize, err
}

// mockedAPI is the answer of the org that such a test is about.
func mockedAPI(mock *httpmock.MockTransport) *fullcasttest.Mock {
	org := fullcasttest.Responders(log.Default(), mock) // in a test: its *testing.T
	org.API("GET", "/services/data/v"+fullcast.APIVersion.String()+"/query",
		httpmock.NewStringResponder(200, `{"totalSize":3}`).HeaderSet(http.Header{"Content-Type": {"application/json"}}))
	return org
}

// adopted makes a connection without a browser.
func adopted(ctx context.Context, sf *fullcast.Connector, org *fullcasttest.Mock) oauthflow.Key {
	k := oauthflow.Key{Tenant: "acme", Name: "main"}
	_, err := sf.Adopt(ctx, k, org.Client(), org.RefreshToken())
	check(err)
	return k
}

// A service's unit test needs no browser and no org: the connection is adopted, and Salesforce is httpmock. Tests that run side by
// side give each connector a mock of its own.
func ExampleConnector_Adopt_httpmock() {
	ctx := context.Background()
	mock := httpmock.NewMockTransport()
	org := mockedAPI(mock)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)
	k := adopted(ctx, sf, org)

	org.Set(fullcasttest.EndedSession)
	fmt.Println(countAccounts(ctx, sf, k))
	fmt.Println(mock.GetCallCountInfo()["POST https://acme.my.salesforce.com/services/oauth2/token"], "refreshes")
	// Output:
	// 3 <nil>
	// 2 refreshes
}

// A service's test of what it does when Salesforce refuses a call: the error says who has to act, and on what.
func ExampleConnection_Resty_refusal() {
	ctx := context.Background()
	mock := httpmock.NewMockTransport()
	org := mockedAPI(mock)
	org.API("GET", "/services/data/v"+fullcast.APIVersion.String()+"/query",
		httpmock.NewStringResponder(403, `[{"errorCode":"API_DISABLED_FOR_ORG","message":"The API is not enabled"}]`))
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)
	_, err = countAccounts(ctx, sf, adopted(ctx, sf, org))
	var e *fullcast.Error
	var said *oauthflow.Error
	if errors.As(err, &e) && errors.As(err, &said) {
		fmt.Println(e.Actor(), "-", e.Remedy)
		fmt.Println(said.Kind, said.Status, said.Code)
	}
	// Output:
	// admin - In Salesforce Setup, give the user the permission "API Enabled"; the org's edition must have the API.
	// user policy 403 API_DISABLED_FOR_ORG
}

// Without a Transport of its own, a connector looks at http.DefaultTransport at each call, so that it may be older than a mock that
// takes that place.
func ExampleNewConnector_httpmockActivatedLater() {
	ctx := context.Background()
	config := fullcasttest.NewOrg(log.Default(), fullcast.Production).Config()
	config.Transport = nil
	sf, err := fullcast.NewConnector(config)
	check(err)
	defer sf.Close(ctx)

	httpmock.Activate()
	defer httpmock.DeactivateAndReset()
	org := mockedAPI(httpmock.DefaultTransport)
	fmt.Println(countAccounts(ctx, sf, adopted(ctx, sf, org)))
	// Output:
	// 3 <nil>
}
