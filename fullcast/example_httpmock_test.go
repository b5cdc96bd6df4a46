package fullcast_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/jarcoal/httpmock"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// countAccounts is a service's own code, which its unit test is about.
func countAccounts(ctx context.Context, sf *fullcast.Connector, k oauthflow.Key) (int, error) {
	conn, err := sf.Open(ctx, k)
	if err != nil {
		return 0, err
	}
	var answer struct{ TotalSize int }
	_, err = conn.Resty().R().SetContext(ctx).SetResult(&answer).
		SetQueryParam("q", "SELECT Id FROM Account").Get("/services/data/v66.0/query")
	return answer.TotalSize, err
}

// mockSalesforce registers what such a test needs: one answer of the token endpoint, one of the API.
func mockSalesforce(register func(method, url string, responder httpmock.Responder)) {
	register("POST", "https://acme.my.salesforce.com/services/oauth2/token",
		httpmock.NewJsonResponderOrPanic(200, map[string]string{
			"access_token": "00DTEST000000001!mocked", "token_type": "Bearer",
			"instance_url": "https://acme.my.salesforce.com",
			"id":           "https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA",
		}))
	register("GET", "https://acme.my.salesforce.com/services/data/v66.0/query",
		httpmock.NewStringResponder(200, `{"totalSize":3}`).HeaderSet(http.Header{"Content-Type": {"application/json"}}))
}

// adopted returns a connector with one connection, made without a browser.
func adopted(ctx context.Context, transport http.RoundTripper) (*fullcast.Connector, oauthflow.Key, error) {
	keys, err := oauthflow.NewKeys(oauthflow.GenerateSealingKey("test"))
	if err != nil {
		return nil, oauthflow.Key{}, err
	}
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site: fullcast.Production, Store: oauthflow.NewMemoryStore(), Keys: keys, Transport: transport,
	})
	if err != nil {
		return nil, oauthflow.Key{}, err
	}
	host, err := oauthflow.ParseHost("acme.my.salesforce.com")
	if err != nil {
		return nil, oauthflow.Key{}, err
	}
	k := oauthflow.Key{Tenant: "acme", Name: "main"}
	_, err = sf.Adopt(ctx, k, oauthflow.Client{
		Kind: "ExternalClientApp", Host: host, ID: "key", Secret: oauthflow.NewSecret("secret"),
	}, oauthflow.NewSecret("refresh-token"))
	return sf, k, err
}

// A service's unit test needs no browser and no org: the connection is adopted, and Salesforce is httpmock in place of
// http.DefaultTransport.
func ExampleConnector_Adopt_httpmock() {
	httpmock.Activate()
	defer httpmock.DeactivateAndReset()
	mockSalesforce(httpmock.RegisterResponder)

	ctx := context.Background()
	sf, k, err := adopted(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sf.Close(ctx)
	n, err := countAccounts(ctx, sf, k)
	fmt.Println(n, err)
	fmt.Println(httpmock.GetCallCountInfo()["POST https://acme.my.salesforce.com/services/oauth2/token"], "refresh")
	// Output:
	// 3 <nil>
	// 1 refresh
}

// The connector may be older than the mock: without a Transport of its own it looks at http.DefaultTransport at each
// call.
func ExampleNewConnector_httpmockActivatedLater() {
	ctx := context.Background()
	keys, err := oauthflow.NewKeys(oauthflow.GenerateSealingKey("test"))
	if err != nil {
		fmt.Println(err)
		return
	}
	sf, err := fullcast.NewConnector(fullcast.Config{Site: fullcast.Production, Store: oauthflow.NewMemoryStore(), Keys: keys})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sf.Close(ctx)

	httpmock.Activate()
	defer httpmock.DeactivateAndReset()
	mockSalesforce(httpmock.RegisterResponder)

	host, err := oauthflow.ParseHost("acme.my.salesforce.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	k := oauthflow.Key{Tenant: "acme", Name: "main"}
	_, err = sf.Adopt(ctx, k, oauthflow.Client{
		Kind: "ExternalClientApp", Host: host, ID: "key", Secret: oauthflow.NewSecret("secret"),
	}, oauthflow.NewSecret("refresh-token"))
	fmt.Println(err)
	fmt.Println(countAccounts(ctx, sf, k))
	// Output:
	// <nil>
	// 3 <nil>
}

// Tests that run side by side give each connector a mock transport of its own.
func ExampleNewConnector_httpmockTransport() {
	ctx := context.Background()
	mock := httpmock.NewMockTransport()
	mockSalesforce(mock.RegisterResponder)
	sf, k, err := adopted(ctx, mock)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sf.Close(ctx)
	fmt.Println(countAccounts(ctx, sf, k))
	// Output:
	// 3 <nil>
}
