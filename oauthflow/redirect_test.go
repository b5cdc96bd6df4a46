package oauthflow_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

// ofSalesforces matches the addresses in the tests that are on a host of Salesforce's. Of others nobody knows who redirects there.
var ofSalesforces = regexp.MustCompile(`(?i)^(https?:|ftp:)?//([^/@]*@)?[^/@]*(salesforce\.(com|mil)|sfcrmproducts\.cn|salesforce-sites\.com|salesforce-setup\.com|(my\.)?site\.com|force\.com)\.?(:\d+)?(/|$)`)

func TestATokenRedirectIsFollowedToTheSameEndpointOfAMyDomainInTheSameCloudOnly(t *testing.T) {
	const path = "/services/oauth2/token"
	for _, c := range []struct {
		name, from string
		locations  []string
		want       string // empty: nowhere
	}{
		{"a renamed My Domain", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com" + path}, "acme-corp.my.salesforce.com"},
		{"the login pool", "login.salesforce.com", []string{"https://acme.my.salesforce.com" + path}, "acme.my.salesforce.com"},
		{"the sandboxes' login pool", "test.salesforce.com", []string{"https://acme--uat.sandbox.my.salesforce.com" + path}, "acme--uat.sandbox.my.salesforce.com"},
		{"port 443", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com:443" + path}, "acme-corp.my.salesforce.com"},
		{"upper case", "acme.my.salesforce.com", []string{"HTTPS://ACME-Corp.My.Salesforce.COM" + path}, "acme-corp.my.salesforce.com"},
		{"a final dot", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com." + path}, "acme-corp.my.salesforce.com"},
		{"a query and a fragment, which are not sent", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com" + path + "?refresh_token=x#y"}, "acme-corp.my.salesforce.com"},
		{"the Government Cloud's own", "agency.my.salesforce.mil", []string{"https://bureau.my.salesforce.mil" + path}, "bureau.my.salesforce.mil"},
		{"Alibaba Cloud's own", "acme.my.sfcrmproducts.cn", []string{"https://beta.my.sfcrmproducts.cn" + path}, "beta.my.sfcrmproducts.cn"},
		{"Alibaba Cloud's login pool", "login.sfcrmproducts.cn", []string{"https://acme.my.sfcrmproducts.cn" + path}, "acme.my.sfcrmproducts.cn"},

		{"no Location", "acme.my.salesforce.com", nil, ""},
		{"an empty Location", "acme.my.salesforce.com", []string{""}, ""},
		{"two Locations", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com" + path, "https://acme-corp.my.salesforce.com" + path}, ""},
		{"a relative Location", "acme.my.salesforce.com", []string{path}, ""},
		{"a Location without scheme", "acme.my.salesforce.com", []string{"//acme-corp.my.salesforce.com" + path}, ""},
		{"itself", "acme.my.salesforce.com", []string{"https://acme.my.salesforce.com" + path}, ""},
		{"itself with a final dot", "acme.my.salesforce.com", []string{"https://ACME.my.salesforce.com.:443" + path}, ""},
		{"plain http", "acme.my.salesforce.com", []string{"http://acme-corp.my.salesforce.com" + path}, ""},
		{"ftp", "acme.my.salesforce.com", []string{"ftp://acme-corp.my.salesforce.com" + path}, ""},
		{"another port", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com:8443" + path}, ""},
		{"userinfo", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com@evil.example" + path}, ""},
		{"a name before the host", "acme.my.salesforce.com", []string{"https://admin:pw@acme-corp.my.salesforce.com" + path}, ""},
		{"another endpoint", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com/services/oauth2/revoke"}, ""},
		{"the login page", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com/"}, ""},
		{"a longer path", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com" + path + "/"}, ""},
		{"an encoded path", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com/services/oauth2/%74oken"}, ""},
		{"a path with a detour", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com/x/.." + path}, ""},
		{"a site", "acme.my.salesforce.com", []string{"https://acme.my.site.com" + path}, ""},
		{"an older site", "acme.my.salesforce.com", []string{"https://acme.force.com" + path}, ""},
		{"a Salesforce site", "acme.my.salesforce.com", []string{"https://acme.my.salesforce-sites.com" + path}, ""},
		{"a Lightning page", "acme.my.salesforce.com", []string{"https://acme-corp.lightning.force.com" + path}, ""},
		{"a Setup page", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce-setup.com" + path}, ""},
		{"a file", "acme.my.salesforce.com", []string{"https://acme.file.force.com" + path}, ""},
		{"an instance", "acme.my.salesforce.com", []string{"https://na139.salesforce.com" + path}, ""},
		{"a generic host", "acme.my.salesforce.com", []string{"https://login.salesforce.com" + path}, ""},
		{"the other generic host", "login.salesforce.com", []string{"https://test.salesforce.com" + path}, ""},
		{"behind Defender for Cloud Apps", "acme.my.salesforce.com", []string{"https://acme-corp.my.salesforce.com.mcas.ms" + path}, ""},
		{"another company", "acme.my.salesforce.com", []string{"https://evil.example" + path}, ""},
		{"a look-alike before the dot", "acme.my.salesforce.com", []string{"https://acmemy.salesforce.com" + path}, ""},
		{"a look-alike after it", "acme.my.salesforce.com", []string{"https://acme.my.salesforce.com.evil.example" + path}, ""},
		{"a look-alike in punycode", "acme.my.salesforce.com", []string{"https://xn--acme-1ra.my.salesforce.com" + path}, ""},
		{"an address", "acme.my.salesforce.com", []string{"https://169.254.169.254" + path}, ""},
		{"no name", "acme.my.salesforce.com", []string{"https://.my.salesforce.com" + path}, ""},
		{"another cloud, from the public one", "acme.my.salesforce.com", []string{"https://acme.my.sfcrmproducts.cn" + path}, ""},
		{"the Government Cloud, from the public one", "acme.my.salesforce.com", []string{"https://agency.my.salesforce.mil" + path}, ""},
		{"the public cloud, from Alibaba's", "acme.my.sfcrmproducts.cn", []string{"https://acme.my.salesforce.com" + path}, ""},
		{"the public cloud, from the Government's", "agency.my.salesforce.mil", []string{"https://agency.my.salesforce.com" + path}, ""},
		{"Alibaba's cloud, from the login pool", "login.salesforce.com", []string{"https://acme.my.sfcrmproducts.cn" + path}, ""},
		{"no URL", "acme.my.salesforce.com", []string{"https://%zz" + path}, ""},
		{"an opaque URL", "acme.my.salesforce.com", []string{"https:acme-corp.my.salesforce.com" + path}, ""},
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(c.name+" by "+http.StatusText(status), func(t *testing.T) {
				requests := 0
				f := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
					requests++
					resp := wireReply(r, status, "")
					for _, l := range c.locations {
						resp.Header.Add("Location", l)
					}
					return resp, nil
				}))
				host, err := oauthflow.ParseHost(c.from, oauthflow.GovernmentCloud, oauthflow.China)
				if err != nil {
					t.Fatal(err)
				}
				client := wireClient(t, wireHost)
				client.Host = host
				_, err = f.Refresh(t.Context(), client, wireToken())
				kind := oauthflow.KindInvalid
				if len(c.locations) == 0 || !ofSalesforces.MatchString(c.locations[0]) {
					kind = oauthflow.KindUnknownAnswer
				}
				e := wireError(t, err, kind)
				if e.MovedTo.String() != c.want || e.Status != status || requests != 1 {
					t.Errorf("MovedTo is %q, want %q; status %d after %d requests", e.MovedTo, c.want, e.Status, requests)
				}
				if strings.Contains(e.Error(), "evil") || c.want != "" && !strings.Contains(e.Error(), c.want) {
					t.Errorf("the text is %q", e)
				}
			})
		}
	}
	for _, status := range []int{300, 304, 305} {
		_, err := wireFlow(t, says(status, "", "Location", "https://acme-corp.my.salesforce.com"+path)).Refresh(t.Context(), wireClient(t, wireHost), wireToken())
		if e := wireError(t, err, oauthflow.KindUnknownAnswer); !e.MovedTo.IsZero() {
			t.Errorf("status %d redirects to %s", status, e.MovedTo)
		}
	}
}

func TestARedirectOfEachEndpointIsFollowedToThatEndpointOnly(t *testing.T) {
	paths := map[string]string{
		"exchange": "/services/oauth2/token", "refresh": "/services/oauth2/token",
		"revoke": "/services/oauth2/revoke", "introspect": "/services/oauth2/introspect",
	}
	for name, call := range wireCalls(t) {
		own, ok := paths[name]
		if !ok { // not of the login host's token endpoints
			continue
		}
		for _, path := range []string{"/services/oauth2/token", "/services/oauth2/revoke", "/services/oauth2/introspect", "/services/oauth2/authorize"} {
			err := call(wireFlow(t, says(307, "", "Location", "https://acme-corp.my.salesforce.com"+path)))
			if e := wireError(t, err, oauthflow.KindInvalid); e.MovedTo.IsZero() != (path != own) {
				t.Errorf("%s redirected to %s: MovedTo is %q", name, path, e.MovedTo)
			}
		}
	}
}

func TestCheckRedirectLeavesToNetHTTPWhatDoesNoHarm(t *testing.T) {
	const org = "https://acme.my.salesforce.com/services/data"
	for _, c := range []struct {
		name, method, to string
		hops             int
		want             string // follow, hand back, stop
	}{
		{"a file", http.MethodGet, "https://acme.file.force.com/sfc/1", 1, "follow"},
		{"a login page", http.MethodGet, "https://login.salesforce.com/", 1, "hand back"},
		{"the same host", http.MethodGet, "https://acme.my.salesforce.com/other", 1, "follow"},
		{"a HEAD", http.MethodHead, "https://acme.file.force.com/sfc/1", 1, "follow"},
		{"without a method", "", "https://acme.file.force.com/sfc/1", 1, "follow"},
		{"another API host", http.MethodGet, "https://acme-corp.my.salesforce.com/services/data", 1, "hand back"},
		{"an instance", http.MethodGet, "https://na139.salesforce.com/services/data", 1, "hand back"},
		{"a POST", http.MethodPost, "https://acme.file.force.com/sfc/1", 1, "hand back"},
		{"a PATCH on the same host", http.MethodPatch, "https://acme.my.salesforce.com/other", 1, "hand back"},
		{"a DELETE", http.MethodDelete, "https://login.salesforce.com/", 1, "hand back"},
		{"a circle", http.MethodGet, "https://acme.my.salesforce.com/other", 10, "stop"},
	} {
		last, err := http.NewRequest(c.method, org, nil)
		if err != nil {
			t.Fatal(err)
		}
		last.Method = c.method
		next, err := http.NewRequest(http.MethodGet, c.to, nil)
		if err != nil {
			t.Fatal(err)
		}
		via := make([]*http.Request, c.hops)
		via[c.hops-1] = last
		got := "stop"
		switch err := oauthflow.CheckRedirect(next, via); {
		case err == nil:
			got = "follow"
		case errors.Is(err, http.ErrUseLastResponse):
			got = "hand back"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if err := oauthflow.CheckRedirect(mustRequest(t, org), nil); err != nil {
		t.Error(err)
	}
}

func TestAnIdentityURLMayBeOnAGenericHostOfAlibabaCloud(t *testing.T) {
	answer := tokenAnswer(map[string]string{"instance_url": "https://acme.my.sfcrmproducts.cn", "id": "https://login.sfcrmproducts.cn/id/" + wireOrg + "/" + wireUser})
	host, err := oauthflow.ParseHost("acme.my.sfcrmproducts.cn", oauthflow.China)
	if err != nil {
		t.Fatal(err)
	}
	client := wireClient(t, wireHost)
	client.Host = host
	tok, err := wireFlow(t, says(200, answer)).Refresh(t.Context(), client, wireToken())
	if err != nil || tok.OrgID != wireOrg || tok.UserID != wireUser {
		t.Errorf("got %v, %v; want the org and user that the identity URL names", tok, err)
	}
}
