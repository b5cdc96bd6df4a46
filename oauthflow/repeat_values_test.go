package oauthflow_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

// A success holds names that a service shows, so they hold nothing of what was sent, either: as it is, or as a program writes it.
func TestNoValueOfASuccessRepeatsWhatWasSent(t *testing.T) {
	const access, refresh, secret = "00DTEST000000001!AQEonce0123456789access", "5Aep861once0123456789refresh", "1234567890123456789"
	host, err := oauthflow.ParseHost(ownHost)
	if err != nil {
		t.Fatal(err)
	}
	client := oauthflow.Client{Host: host, ID: "3MVG9abcdefghijklmnop", Secret: oauthflow.NewSecret(secret)}
	token := &oauthflow.Token{
		AccessToken: oauthflow.NewSecret(access), RefreshToken: oauthflow.NewSecret(refresh), InstanceURL: "https://" + ownHost,
		IdentityURL: "https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA",
	}
	const user = `"organization_id":"00DTEST000000001AA","user_id":"005TEST000000001AA","sub":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA"`
	for _, said := range []string{access, refresh, secret, "got " + access + ".", strings.ReplaceAll(refresh, "A", "%41")} {
		for name, call := range map[string]func(*oauthflow.Flow) (any, error){
			"Introspect": func(f *oauthflow.Flow) (any, error) { return f.Introspect(t.Context(), client, token) },
			"Identity":   func(f *oauthflow.Flow) (any, error) { return f.Identity(t.Context(), token) },
			"UserInfo":   func(f *oauthflow.Flow) (any, error) { return f.UserInfo(t.Context(), token) },
			"Refresh":    func(f *oauthflow.Flow) (any, error) { return f.Refresh(t.Context(), client, token) },
		} {
			if said != access && !strings.Contains(said, access) && (name == "Identity" || name == "UserInfo") {
				continue // which send the access token alone
			}
			for _, field := range []string{"username", "display_name", "email", "name", "preferred_username", "client_id", "scope", "sub"} {
				members := fmt.Sprintf(`{%s,"active":true,"access_token":%q,"instance_url":%q,"token_type":"Bearer",%q:%q}`, user, access, token.InstanceURL, field, said)
				if field == "sub" {
					members = strings.Replace(members, `"sub":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA",`, "", 1)
				}
				flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: says(200, members, "Content-Type", "application/json")})
				if err != nil {
					t.Fatal(err)
				}
				got, err := call(flow)
				shown := fmt.Sprintf("%+v %v", got, err)
				if got, ok := got.(*oauthflow.Token); ok && got != nil {
					shown = fmt.Sprintf("%+v %v", *got, err)
					if err != nil || got.AccessToken.Reveal() != access {
						t.Errorf("%s: a refresh is lost for its %s: %v", name, field, err)
					}
				}
				if strings.Contains(shown, said) {
					t.Errorf("%s, %s: %s", name, field, shown)
				}
			}
		}
	}
}

func TestASuccessMayNameTheConsumerKeyThatWasSent(t *testing.T) {
	host, err := oauthflow.ParseHost(ownHost)
	if err != nil {
		t.Fatal(err)
	}
	client := oauthflow.Client{Host: host, ID: "3MVG9abcdefghijklmnop", Secret: oauthflow.NewSecret("1234567890123456789")}
	body := `{"active":true,"client_id":"3MVG9abcdefghijklmnop","username":"admin@acme.example","scope":"api refresh_token"}`
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: says(200, body, "Content-Type", "application/json")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := flow.Introspect(t.Context(), client, &oauthflow.Token{RefreshToken: oauthflow.NewSecret("5Aep861once0123456789refresh")})
	if err != nil || got.ClientID != client.ID || got.Username != "admin@acme.example" || len(got.Scopes) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}
