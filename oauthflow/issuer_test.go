package oauthflow_test

import (
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

// The generic hosts speak for the orgs of the public cloud alone, and not for one another.
func TestAnIssuerThatDoesNotSpeakForTheLoginHostIsAskedForNoKeys(t *testing.T) {
	for _, c := range []struct {
		host, issuer string
		accepted     bool
	}{
		{wireHost, "login.salesforce.com", true},
		{wireHost, "other.my.salesforce.com", false},
		{"agency.my.salesforce.mil", "agency.my.salesforce.mil", true},
		{"agency.my.salesforce.mil", "login.salesforce.com", false},
		{"acme.my.sfcrmproducts.cn", "login.salesforce.com", false},
		{"login.salesforce.com", "test.salesforce.com", false},
		{"test.salesforce.com", "login.salesforce.com", false},
		{"login.salesforce.com", wireHost, false},
	} {
		t.Run(c.host+" "+c.issuer, func(t *testing.T) {
			sim := newIssuerSim(c.host)
			f, client := wireFlow(t, sim), wireClient(t, wireHost)
			var err error
			if client.Host, err = oauthflow.ParseHost(c.host, oauthflow.GovernmentCloud, oauthflow.China); err != nil {
				t.Fatal(err)
			}
			tok := sim.login(t, f, client, func(nonce string) string { return jwt(goodHeader(), goodClaims(c.issuer, nonce), rs256(rsaKeys()[0])) })
			err = f.VerifyIDToken(t.Context(), client, tok)
			if c.accepted {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wireError(t, err, oauthflow.KindIDToken)
			if n := sim.fetches[c.issuer+"/id/keys"]; n != 0 {
				t.Errorf("%d requests for its keys", n)
			}
		})
	}
}
