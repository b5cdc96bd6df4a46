package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func ExampleNewFlow() {
	flow, err := oauthflow.NewFlow(oauthflow.Config{
		RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion", "http://app.fullcast.io/plain"},
	})
	fmt.Println(flow != nil, err)

	flow, err = oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}})
	fmt.Println(flow != nil, err)
	// Output:
	// false oauthflow: new flow: invalid: Config.RedirectURLs[1]: must be https (http only for localhost)
	// true <nil>
}

func ExampleParseHost() {
	for _, pasted := range []string{
		"acme.my.salesforce.com",
		"https://acme--uat.sandbox.lightning.force.com/lightning/page/home",
		"login.salesforce.com",
		"https://acme.my.site.com/partners",
		"acme.my.salesforce.com.evil.example",
		"agency.my.salesforce.mil",
	} {
		host, err := oauthflow.ParseHost(pasted)
		var refused *oauthflow.Error
		switch {
		case errors.As(err, &refused):
			fmt.Println("refused:", refused.Err)
		case host.Advisory() != "":
			fmt.Println("accepted, but:", host.Advisory())
		default:
			fmt.Println("accepted:", host)
		}
	}
	host, err := oauthflow.ParseHost("agency.my.salesforce.mil", oauthflow.GovernmentCloud)
	fmt.Println("opted in:", host, err)
	// Output:
	// accepted: acme.my.salesforce.com
	// accepted: acme--uat.sandbox.my.salesforce.com
	// accepted, but: login.salesforce.com works for most orgs; prefer the org's My Domain host (Setup > My Domain > Current My Domain URL), which keeps working when the org forbids logins from login.salesforce.com; an org that is known by a custom domain has a My Domain, too
	// refused: host: acme.my.site.com is an Experience Cloud site, not a login host; use the org's My Domain host, probably acme.my.salesforce.com
	// refused: host: acme.my.salesforce.com.evil.example is not a Salesforce login host; use the org's My Domain host (Setup > My Domain), such as acme.my.salesforce.com; an org with a custom domain is connected there, too, or at login.salesforce.com (a sandbox at test.salesforce.com)
	// refused: host: agency.my.salesforce.mil belongs to Government Cloud, and hosts of that region are not accepted here
	// opted in: agency.my.salesforce.mil <nil>
}

func ExampleFlow_Authorize() {
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	host, err := oauthflow.ParseHost("acme.my.salesforce.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	app := oauthflow.Client{Kind: oauthflow.ExternalClientAppKind, Host: host, ID: "3MVG9consumerkey", Secret: oauthflow.NewSecret("the consumer secret")}

	// Keep pending on the server until the callback comes; a Manager does that.
	redirect, pending, err := flow.Authorize(app, oauthflow.AuthorizeOptions{LoginHint: "admin@acme.example", Prompt: "login"})
	if err != nil {
		fmt.Println(err)
		return
	}
	u, err := url.Parse(redirect)
	if err != nil {
		fmt.Println(err)
		return
	}
	q := u.Query()
	fmt.Println(u.Host + u.Path)
	for _, name := range []string{"response_type", "redirect_uri", "scope", "code_challenge_method", "login_hint", "prompt"} {
		fmt.Println(name, "=", q.Get(name))
	}
	fmt.Println("fresh:", len(q.Get("state")), len(q.Get("nonce")), len(q.Get("code_challenge")), "characters")
	fmt.Println("shows its secrets:", strings.Contains(fmt.Sprintf("%+v", pending), q.Get("state")))
	// Output:
	// acme.my.salesforce.com/services/oauth2/authorize
	// response_type = code
	// redirect_uri = https://app.fullcast.io/app/admin/motion
	// scope = id full api web refresh_token openid
	// code_challenge_method = S256
	// login_hint = admin@acme.example
	// prompt = login
	// fresh: 43 43 43 characters
	// shows its secrets: false
}

// A login from its beginning to a refreshed token, against a simulated org. What a service does between the calls, a
// [oauthflow.Manager] does: keep the pending login, store each token before it is used, refresh once.
func ExampleFlow_Exchange() {
	ctx := context.Background()
	org, err := orgtest.New(orgtest.Config{Existing: installedApp(), RotateRefreshTokens: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	flow, err := oauthflow.NewFlow(oauthflow.Config{
		RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"},
		Transport:    org.RoundTripper(), // left out in production
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	key, secret, err := org.Credentials("Fullcast") // what the admin copies from Setup
	if err != nil {
		fmt.Println(err)
		return
	}
	host, err := oauthflow.ParseHost(org.InstanceURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	app := oauthflow.Client{Kind: oauthflow.ExternalClientAppKind, Host: host, ID: key, Secret: oauthflow.NewSecret(secret)}

	redirect, pending, err := flow.Authorize(app, oauthflow.AuthorizeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	landed, err := org.Approve(ctx, redirect) // the user logs in and allows the app
	if err != nil {
		fmt.Println(err)
		return
	}
	callback, err := url.Parse(landed)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := flow.Exchange(ctx, pending, callback.Query())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("connected to", token.InstanceURL, "with", token.AccessToken)
	fmt.Println("id_token:", flow.VerifyIDToken(ctx, app, token))
	user, err := flow.Identity(ctx, token)
	fmt.Println("user:", user.Username, err)

	fresh, err := flow.Refresh(ctx, app, token)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("rotated:", !fresh.RefreshToken.Equal(token.RefreshToken))
	_, err = flow.Refresh(ctx, app, token) // the old one a second time: with rotation that ends the grant
	fmt.Println(err)
	// Output:
	// connected to https://acme.my.salesforce.com with [redacted]
	// id_token: <nil>
	// user: admin@acme.example <nil>
	// rotated: true
	// oauthflow: refresh at acme.my.salesforce.com: grant dead: invalid_grant (expired access/refresh token), HTTP 400
}

// answering is a Salesforce that gives one answer to everything.
type answering struct {
	status int
	body   string
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return wireReply(r, a.status, a.body), nil
}

// Programs decide by Kind, people read Sentence.
func ExampleError() {
	host, err := oauthflow.ParseHost("acme.my.salesforce.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	app := oauthflow.Client{Host: host, ID: "3MVG9consumerkey", Secret: oauthflow.NewSecret("the consumer secret")}
	old := &oauthflow.Token{RefreshToken: oauthflow.NewSecret("5Aep861therefreshtoken")}
	for _, answer := range []answering{
		{400, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`},
		{400, `{"error":"invalid_grant","error_description":"token request is already being processed"}`},
		{400, `{"error":"invalid_grant","error_description":"ip restricted"}`},
		{400, `{"error":"invalid_client","error_description":"invalid client credentials"}`},
		{502, "<html>Bad Gateway"},
	} {
		flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: answer})
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = flow.Refresh(context.Background(), app, old)
		var e *oauthflow.Error
		if errors.As(err, &e) {
			fmt.Printf("%s, dead: %v. %s\n", e.Kind, e.Kind.Terminal(), e.Sentence())
		}
	}
	// Output:
	// grant dead, dead: true. Salesforce no longer accepts this connection's refresh token: it was revoked, expired, or pushed out by newer approvals.
	// busy, dead: false. Salesforce is answering another refresh of this connection; it will be tried again.
	// IP restricted, dead: false. Salesforce refuses Fullcast's network address: the user's profile, the org or the app does not allow it.
	// client rejected, dead: false. Salesforce does not accept the consumer secret: it was changed, or belongs to another app.
	// in doubt, dead: false. Salesforce failed while it answered; the connection is checked before anything is sent again.
}
