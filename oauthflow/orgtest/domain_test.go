package orgtest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAHostThatServesARenamedOrgNoMoreRefusesEachRequest(t *testing.T) {
	for _, c := range []struct {
		rename orgtest.Rename
		path   string
		status int
		says   string
	}{
		{orgtest.Rename{Unserved: orgtest.UnservedCode}, "/services/data/v66.0/limits", 404, `"errorCode":"URL_NOT_RESET"`},
		{orgtest.Rename{Unserved: orgtest.UnservedCode, Status: 400}, "/services/data/v66.0/limits", 400, `"errorCode":"URL_NOT_RESET"`},
		{orgtest.Rename{Unserved: orgtest.UnservedCode}, "/services/oauth2/token", 404, "URL No Longer Exists"},
		{orgtest.Rename{Unserved: orgtest.UnservedPage}, "/services/data/v66.0/limits", 404, "a URL that no longer exists on salesforce.com"},
		{orgtest.Rename{Unserved: orgtest.UnservedPage, Status: 410}, "/anything", 410, "a URL that no longer exists on salesforce.com"},
	} {
		o, err := orgtest.New(orgtest.Config{MyDomain: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		old := o.InstanceURL()
		c.rename.Name = "acme-corp"
		if err := o.Rename(c.rename); err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: o.RoundTripper()}).Get(old + c.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(body), c.says) {
			t.Errorf("%+v: %s answers %d %s, %v", c.rename, c.path, resp.StatusCode, body, err)
		}
	}
}

func TestARenameThatNoHostOfSalesforcesKnowsIsRefused(t *testing.T) {
	for _, r := range []orgtest.Rename{
		{Status: 404}, {Status: 200}, {Unserved: "silence"}, {Unserved: orgtest.UnservedPage, Status: 302}, {Unserved: orgtest.UnservedCode, Status: 503},
	} {
		o, err := orgtest.New(orgtest.Config{MyDomain: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		r.Name = "acme-corp"
		if err := o.Rename(r); err == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
}
