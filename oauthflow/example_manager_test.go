package oauthflow_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// goodMood is Salesforce's token endpoint, that never refuses.
type goodMood struct{ refreshes int }

func (a *goodMood) RoundTrip(r *http.Request) (*http.Response, error) {
	a.refreshes++
	body := fmt.Sprintf(`{"access_token":"00DTEST000000001!%d","instance_url":"https://acme.my.salesforce.com",
		"id":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA","token_type":"Bearer"}`, a.refreshes)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// A Manager keeps connections in a store and hands out their access tokens. Here one is adopted, and its session ends.
func ExampleNewManager() {
	ctx := context.Background()
	salesforce := &goodMood{}
	flow, err := oauthflow.NewFlow(oauthflow.Config{
		RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: salesforce,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("2026-11"))
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := oauthflow.NewManager(oauthflow.ManagerConfig{
		Flow: flow, Store: tokenstore.NewMemory(), Keyring: keys, Environment: "example",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close(ctx)

	host, err := oauthflow.ParseHost("acme.my.salesforce.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	k := oauthflow.Key{Tenant: "acme", Name: "main"}
	c := oauthflow.Client{Kind: oauthflow.ConnectedAppKind, Host: host, ID: "key", Secret: oauthflow.NewSecret("secret")}
	if _, err := m.Adopt(ctx, k, c, oauthflow.NewSecret("refresh-token")); err != nil {
		fmt.Println(err)
		return
	}
	source := m.Source(k) // an oauth2.TokenSource
	first, err := source.TokenContext(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := source.Replace(ctx, first.AccessToken) // Salesforce has refused the first
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(first.AccessToken != second.AccessToken, salesforce.refreshes, "refreshes")
	// Output: true 2 refreshes
}
