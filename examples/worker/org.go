package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// user is who allows connection i; each has one of its own, so that the org's ledger tells the connections apart.
func user(i int) string { return fmt.Sprintf("user-%d@acme.example", i) }

// simulated starts an org with the app of the instructions, and with rotation: each refresh token is good for one use.
func simulated(users int) (*orgtest.Org, *orgtest.Server, error) {
	pkg, err := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New().Package(fullcast.APIVersion)
	if err != nil {
		return nil, nil, err
	}
	c := orgtest.Config{RotateRefreshTokens: true, Existing: map[string]string{}}
	for _, f := range pkg.Files {
		if f.Name != "package.xml" {
			c.Existing[f.Name] = string(f.Data)
		}
	}
	for i := range users {
		c.Users = append(c.Users, orgtest.User{Username: user(i)})
	}
	org, err := orgtest.New(c)
	if err != nil {
		return nil, nil, err
	}
	server, err := org.Start()
	return org, server, err
}

// connect makes connection i.
func connect(ctx context.Context, sf *fullcast.Connector, org *orgtest.Org, i int) error {
	id, secret, err := org.Credentials("Fullcast")
	if err != nil {
		return err
	}
	host, err := oauthflow.ParseHost(org.InstanceURL())
	if err != nil {
		return err
	}
	k, binding := keyOf(i), rand.Text()
	redirect, err := sf.Begin(ctx, k, fullcast.BeginOptions{
		Client: oauthflow.Client{Host: host, ID: id, Secret: oauthflow.NewSecret(secret)}, Binding: binding, LoginHint: user(i),
	})
	if err != nil {
		return err
	}
	landed, err := org.Approve(ctx, redirect)
	if err != nil {
		return err
	}
	page, err := url.Parse(landed)
	if err != nil {
		return err
	}
	_, err = sf.Complete(ctx, oauthflow.Callback{Tenant: k.Tenant, Path: page.Path, Binding: binding, Query: page.Query()})
	return err
}
