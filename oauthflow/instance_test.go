package oauthflow_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// hostileInstanceURLs are addresses that an answer may name but that no token may follow.
func hostileInstanceURLs() []string {
	out := []string{
		"", "https://", "http://acme.my.salesforce.com", "https://acme.my.salesforce.com:8443", "https://acme.my.salesforce.com:0443",
		"https://user@acme.my.salesforce.com", "https://acme.my.salesforce.com@evil.io", "https://evil.io/acme.my.salesforce.com",
		"https://evil.io#.salesforce.com", "https://evil.io?.salesforce.com", "https://acme.my.salesforce.com?next=evil.io",
		"https://acme.my.salesforce.com#x", "https:acme.my.salesforce.com", "//acme.my.salesforce.com", "acme.my.salesforce.com",
		"https://acme.site.com", "https://acme.my.site.com", "https://acme.my.salesforce-sites.com", "https://acme.visualforce.com",
		"https://xforce.com", "https://force.com", "https://salesforce.com", "https://xcrmforce.mil", "https://acme.salesforce.mil",
		"https://acme.sfcrmapps.cn", "https://acme.my.salesforce.com.", "file:///etc/passwd", "gopher://acme.my.salesforce.com",
	}
	for _, h := range hostileHosts {
		if !strings.HasPrefix(h, "https:") && !strings.Contains(h, "cloudforce.com") && !strings.HasSuffix(h, "acme.crmforce.mil") && !strings.HasSuffix(h, ".my.salesforce.mil") &&
			!strings.HasSuffix(h, "sfcrmproducts.cn") && !strings.HasSuffix(h, "salesforce.com") && !strings.HasSuffix(h, ".force.com") && !strings.Contains(h, "com/") {
			out = append(out, "https://"+h)
		}
	}
	return out
}

func TestAHostileInstanceURLIsRefusedAndNothingFollowsIt(t *testing.T) {
	urls := hostileInstanceURLs()
	if len(urls) < 60 {
		t.Fatalf("only %d values", len(urls))
	}
	for _, u := range urls {
		requests := 0
		f := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
			requests++
			return wireReply(r, 200, tokenAnswer(map[string]string{"instance_url": u})), nil
		}))
		if tok, err := f.Refresh(t.Context(), wireClient(t, wireHost), wireToken()); err == nil {
			t.Errorf("%q was accepted as %s", u, tok.InstanceURL)
		}
		tok := wireToken()
		tok.InstanceURL = u
		if _, err := f.UserInfo(t.Context(), tok); err == nil {
			t.Errorf("userinfo was asked at %q", u)
		}
		if requests != 1 {
			t.Errorf("%q: %d requests, want the refresh only", u, requests)
		}
	}
}

// Salesforce names more addresses in its answers than the SDK has a use for.
func TestOtherAddressesInAnAnswerAreNeverAsked(t *testing.T) {
	c := wireClient(t, wireHost)
	for _, evil := range hostileInstanceURLs() {
		f := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != wireHost && r.URL.Host != "login.salesforce.com" {
				t.Errorf("%s was asked, of the answer that names %q", r.URL.Host, evil)
			}
			if r.URL.Path == tokenEndpoint {
				return wireReply(r, 200, tokenAnswer(map[string]string{
					"api_instance_url": evil, "sfdc_community_url": evil, "sfdc_site_url": evil, "lightning_domain": evil, "content_domain": evil,
				})), nil
			}
			quoted, _ := json.Marshal(evil)
			return wireReply(r, 200, fmt.Sprintf(`{"active":true,"id":%q,"sub":%[1]q,"user_id":%q,"organization_id":%q,"username":"u@acme.example",`+
				`"urls":{"rest":%[4]s,"custom_domain":%[4]s},"photos":{"picture":%[4]s},"profile":%[4]s,"picture":%[4]s}`, wireID, wireUser, wireOrg, quoted)), nil
		}))
		tok, err := f.Refresh(t.Context(), c, wireToken())
		if err != nil || tok.InstanceURL != "https://"+wireHost {
			t.Fatalf("%q: %v", evil, err)
		}
		if _, err := f.Identity(t.Context(), tok); err != nil {
			t.Errorf("identity: %v", err)
		}
		if _, err := f.UserInfo(t.Context(), tok); err != nil {
			t.Errorf("userinfo: %v", err)
		}
		if _, err := f.Introspect(t.Context(), c, tok); err != nil {
			t.Errorf("introspect: %v", err)
		}
		if err := f.Revoke(t.Context(), c, tok); err != nil {
			t.Errorf("revoke: %v", err)
		}
	}
}

func TestAnIdentityURLThatIsNoneIsRefused(t *testing.T) {
	const org, user = wireOrg, wireUser
	bad := []string{
		"https://evil.io/id/" + org + "/" + user, "http://login.salesforce.com/id/" + org + "/" + user,
		"https://login.salesforce.com:8443/id/" + org + "/" + user, "https://u@login.salesforce.com/id/" + org + "/" + user,
		"https://login.salesforce.com/id/" + org, "https://login.salesforce.com/id/" + org + "/" + user + "/",
		"https://login.salesforce.com/id/" + org + "/" + user + "?x=1", "https://login.salesforce.com/id/" + org + "/" + user + "#x",
		"https://login.salesforce.com/id//" + org + "/" + user, "https://login.salesforce.com/x/" + org + "/" + user,
		"https://login.salesforce.com/id/" + user + "/" + org, "https://login.salesforce.com/id/00D/005",
		"https://login.salesforce.com/id/" + org + "/" + user[:14], "https://login.salesforce.com/id/" + org + "/005WIRE%3000000002",
		"https://acme.force.com/id/" + org + "/" + user, "https://acme.my.site.com/id/" + org + "/" + user,
		"https://acme.lightning.force.com/id/" + org + "/" + user, "https://LOGIN.salesforce.com/id/" + org + "/" + user,
	}
	for _, id := range bad {
		if _, err := refreshWith(t, says(200, tokenAnswer(map[string]string{"id": id}))); err == nil {
			t.Errorf("%q was accepted", id)
		}
	}
	for _, id := range []string{
		"https://test.salesforce.com/id/" + org + "/" + user, "https://acme.my.salesforce.com/id/" + org[:15] + "/" + user[:15],
	} {
		if tok, err := refreshWith(t, says(200, tokenAnswer(map[string]string{"id": id}))); err != nil || tok.OrgID[:15] != org[:15] || len(tok.UserID) != 18 {
			t.Errorf("%q: %v", id, err)
		}
	}
}
