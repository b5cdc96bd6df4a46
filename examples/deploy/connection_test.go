package main

import (
	"net/url"
	"testing"

	"github.com/fullcast/sfauth/examples/internal/stored"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// connectOrg leaves a connection in dir, as examples/connect does.
func connectOrg(t *testing.T, org *orgtest.Org, dir, sealing string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, secret, err := org.Credentials("Fullcast")
	must(err)
	host, err := oauthflow.ParseHost(org.InstanceURL())
	must(err)
	sf, err := stored.Place{Dir: dir, SealingKey: sealing, Site: fullcast.Production, Transport: org.RoundTripper()}.Open()
	must(err)
	const binding = "a browser session of this test"
	redirect, err := sf.Begin(t.Context(), stored.Key, fullcast.BeginOptions{
		Client: oauthflow.Client{Host: host, ID: key, Secret: oauthflow.NewSecret(secret)}, Binding: binding,
	})
	must(err)
	landed, err := org.Approve(t.Context(), redirect)
	must(err)
	page, err := url.Parse(landed)
	must(err)
	_, err = sf.Complete(t.Context(), oauthflow.Callback{Tenant: stored.Key.Tenant, Path: page.Path, Binding: binding, Query: page.Query()})
	must(err)
	must(sf.Close())
}
