package oauthflow_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

// loginAt is a client at a login host of any cloud.
func loginAt(t *testing.T, host string) oauthflow.Client {
	t.Helper()
	h, err := oauthflow.ParseHost(host, oauthflow.GovernmentCloud, oauthflow.China)
	if err != nil {
		t.Fatal(err)
	}
	c := wireClient(t, wireHost)
	c.Host = h
	return c
}

// familyOf are login hosts with hosts that may be the instance of their orgs.
var familyOf = map[string][]string{
	"login.salesforce.com": {"acme.my.salesforce.com", "acme--uat.sandbox.my.salesforce.com", "acme-dev-ed.develop.my.salesforce.com",
		"acme.scratch.my.salesforce.com", "acme--uat.cs5.my.salesforce.com", "na139.salesforce.com", "cs1.salesforce.com", "eu45.salesforce.com",
		"ap5.salesforce.com", "um8.salesforce.com", "gs0.salesforce.com", "ind3s.salesforce.com", "usa224s.salesforce.com", "acme.cloudforce.com"},
	"test.salesforce.com":      {"acme--uat.sandbox.my.salesforce.com", "cs42.salesforce.com"},
	"acme.my.salesforce.com":   {"acme.my.salesforce.com", "acme-corp.my.salesforce.com", "na1.salesforce.com"},
	"agency.my.salesforce.mil": {"agency.my.salesforce.mil", "agency--uat.sandbox.my.salesforce.mil"},
	"login.sfcrmproducts.cn":   {"acme.my.sfcrmproducts.cn"},
	"acme.my.sfcrmproducts.cn": {"acme.my.sfcrmproducts.cn", "acme--uat.sandbox.my.sfcrmproducts.cn"},
}

func TestAnInstanceURLMayBeAnAPIHostOfTheLoginHostsCloud(t *testing.T) {
	for login, hosts := range familyOf {
		for _, host := range hosts {
			for _, raw := range []string{"https://" + host, "https://" + strings.ToUpper(host) + ":443/"} {
				body := tokenAnswer(map[string]string{"instance_url": raw, "id": "https://" + login + "/id/" + wireOrg + "/" + wireUser})
				tok, err := wireFlow(t, says(200, body)).Refresh(t.Context(), loginAt(t, login), wireToken())
				if err != nil || tok.InstanceURL != "https://"+host || tok.OrgID != wireOrg {
					t.Errorf("%s, logged in at %s: %+v, %v", raw, login, tok, err)
				}
			}
		}
	}
}

// outsiders are hosts that look like Salesforce's, or are, and are no host of an org in the public cloud.
var outsiders = []string{
	"evil.salesforce.com", "evil1.salesforce.com", "www.salesforce.com", "help.salesforce.com", "status.salesforce.com", "trust.salesforce.com",
	"appexchange.salesforce.com", "org62.salesforce.com", "na.salesforce.com", "na1.evil.salesforce.com", "na1.force.com", "na12345.salesforce.com",
	"na1x.salesforce.com", "xna1.salesforce.com", "login.salesforce.com", "test.salesforce.com", "my.salesforce.com", "evil.na1.salesforce.com",
	"cs1-api.salesforce.com", "na1-api.salesforce.com",
	"acme.force.com", "acme.my.force.com", "evil.force.com", "acme.secure.force.com", "acme.lightning.force.com", "acme.file.force.com",
	"acme.documentforce.com", "acme--c.vf.force.com", "acme.vf.force.com", "acme.builder.salesforce-experience.com", "acme.live.force.com",
	"acme.my.site.com", "acme.site.com", "acme.my.salesforce-sites.com", "acme.my.salesforce-setup.com", "acme.my.salesforce-scrt.com",
	"acme.visualforce.com", "acme.visual.force.com", "acme.content.force.com", "acme.database.com", "acme.evil.cloudforce.com", "cloudforce.com",
	"acme.file.my.salesforce.com", "acme.lightning.my.salesforce.com", "acme.content.my.salesforce.com",
	"acme.my.salesforce.com.evil.io", "acme.my.salesforce.com.force.com", "acme.my.salesforce.com.my.site.com", "acmemy.salesforce.com",
	"acme.my-salesforce.com", "my.salesforce.com.evil.io", "evilsalesforce.com", "acme.mysalesforce.com", "acme.my.salesforce.co",
	"xn--acme-1ra.my.salesforce.com", "acme.my.salesforce.com.mcas.ms", "acme.my.salesforce.com.",
	"127.0.0.1", "169.254.169.254", "localhost", "[::1]", "metadata.google.internal", "10.0.0.1.my.salesforce.com.evil.io",
	"agency.my.salesforce.mil", "agency.crmforce.mil", "agency.lightning.crmforce.mil", "agency.salesforce.mil", "xcrmforce.mil",
	"acme.my.sfcrmproducts.cn", "acme.sfcrmproducts.cn", "acme.sfcrmapps.cn", "acme.lightning.sfcrmapps.cn", "login.sfcrmproducts.cn",
}

func TestAnAnswerNamesNoHostOutsideTheLoginHostsFamily(t *testing.T) {
	if len(outsiders) < 60 {
		t.Fatalf("only %d hosts", len(outsiders))
	}
	refused := func(login, host string) {
		t.Helper()
		requests := 0
		f := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
			requests++
			return wireReply(r, 200, tokenAnswer(map[string]string{"instance_url": "https://" + host, "id": "https://" + login + "/id/" + wireOrg + "/" + wireUser})), nil
		}))
		tok, err := f.Refresh(t.Context(), loginAt(t, login), wireToken())
		wireError(t, err, oauthflow.KindBadAnswer)
		if tok == nil || !tok.AccessToken.IsZero() || tok.InstanceURL != "" || tok.RefreshToken.IsZero() || requests != 1 {
			t.Errorf("%s, logged in at %s: %+v after %d requests", host, login, tok, requests)
		}
	}
	for _, host := range outsiders {
		refused("acme.my.salesforce.com", host)
		refused("login.salesforce.com", host)
		if !strings.HasSuffix(host, ".my.salesforce.mil") {
			refused("agency.my.salesforce.mil", host)
		}
		if !strings.HasSuffix(host, ".my.sfcrmproducts.cn") {
			refused("acme.my.sfcrmproducts.cn", host)
		}
	}
	for login := range familyOf {
		for other, hosts := range familyOf {
			cloud := func(host string) string { return host[strings.LastIndexByte(host, '.'):] }
			for _, host := range hosts {
				if cloud(login) != cloud(other) {
					refused(login, host)
				}
			}
		}
	}
}

func TestAnIdentityURLIsOfTheLoginHostsCloud(t *testing.T) {
	logins := []string{"login.salesforce.com", "test.salesforce.com", "acme.my.salesforce.com", "agency.my.salesforce.mil", "acme.my.sfcrmproducts.cn", "login.sfcrmproducts.cn"}
	cloud := func(host string) string { return host[strings.LastIndexByte(host, '.'):] }
	for _, login := range logins {
		for _, host := range logins {
			body := tokenAnswer(map[string]string{"instance_url": "https://" + familyOf[login][0], "id": "https://" + host + "/id/" + wireOrg + "/" + wireUser})
			_, err := wireFlow(t, says(200, body)).Refresh(t.Context(), loginAt(t, login), wireToken())
			if cloud(login) == cloud(host) {
				if err != nil {
					t.Errorf("an identity URL at %s, logged in at %s: %v", host, login, err)
				}
				continue
			}
			wireError(t, err, oauthflow.KindBadAnswer)
		}
	}
	tok := wireToken()
	tok.InstanceURL = "https://acme.my.sfcrmproducts.cn"
	_, err := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
		t.Errorf("%s was asked", r.URL)
		return wireReply(r, 200, "{}"), nil
	})).UserInfo(t.Context(), tok)
	wireError(t, err, oauthflow.KindInvalid)
}

// A version that believed more of an answer has stored what it said.
func TestAHostThatARecordShouldNotNameGetsNoToken(t *testing.T) {
	for name, change := range map[string]func(fields map[string]any){
		"hosts that the org has left": func(fields map[string]any) {
			fields["PastHosts"] = []string{"evil.force.com", "evil.salesforce.com", "acme.my.sfcrmproducts.cn", "acme-old.my.salesforce.com"}
		},
		"the instance": func(fields map[string]any) { fields["InstanceURL"] = "https://evil.force.com" },
	} {
		t.Run(name, func(t *testing.T) {
			w := rotating(t)
			v := w.unlocked()
			w.connect(w.manager(), mainKey)
			v.change(w.store, mainRecord, change)
			f := new(far)
			rt := w.manager().Source(mainKey).Transport(f)
			for host, own := range map[string]bool{
				"evil.force.com": false, "evil.salesforce.com": false, "acme.my.sfcrmproducts.cn": false, "acme.my.salesforce.com": true,
				"acme-old.my.salesforce.com": name != "the instance",
			} {
				resp, err := rt.RoundTrip(mustRequest(t, "https://"+host+"/services/data"))
				if (err == nil) != own {
					t.Errorf("%s: %v", host, err)
				}
				if err == nil {
					resp.Body.Close()
				}
			}
			for _, r := range f.requests {
				if r.URL.Host != "acme.my.salesforce.com" {
					t.Errorf("%s was asked", r.URL.Host)
				}
			}
		})
	}
}
