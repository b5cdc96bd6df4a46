package fullcast_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// The list of versions is the first that a check asks for: it finds the org's new address.
func TestTheFirstCheckAfterARenameReadsWithTheNewestAPIVersion(t *testing.T) {
	for name, c := range map[string]struct {
		login  string
		rename orgtest.Rename
	}{
		"the old name redirects":                 {"", orgtest.Rename{}},
		"it redirects, sessions live on":         {"", orgtest.Rename{KeepSessions: true, Status: 301}},
		"login at the generic host":              {"login.salesforce.com", orgtest.Rename{Status: 307}},
		"it is gone":                             {"login.salesforce.com", orgtest.Rename{Gone: true}},
		"it serves the org no more":              {"login.salesforce.com", orgtest.Rename{Unserved: orgtest.UnservedCode}},
		"it shows the page URL No Longer Exists": {"login.salesforce.com", orgtest.Rename{Unserved: orgtest.UnservedPage}},
	} {
		t.Run(name, func(t *testing.T) {
			files := existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())
			w := newWorld(t, orgtest.Config{Release: orgtest.Winter27, Existing: files})
			if c.login != "" {
				var err error
				if w.host, err = oauthflow.ParseHost(c.login); err != nil {
					t.Fatal(err)
				}
			}
			conn := w.connect(t)
			c.rename.Name = "acme-corp"
			if err := w.org.Rename(c.rename); err != nil {
				t.Fatal(err)
			}
			report, err := conn.Check(t.Context())
			if err != nil || len(report.Findings) > 0 {
				t.Fatalf("%v\n%s", err, report)
			}
			if w.rec.count("/services/Soap/m/68.0 readMetadata") == 0 || w.rec.count("/services/Soap/m/66.0") > 0 {
				t.Errorf("not read with 68.0:\n%s", strings.Join(w.rec.sent, "\n"))
			}
			if n := w.rec.count("acme-corp.my.salesforce.com/services/data"); n != 1 {
				t.Errorf("%d requests for versions at the new address, want 1:\n%s", n, strings.Join(w.rec.sent, "\n"))
			}
		})
	}
}

func TestAVersionThatTheOrgRefusesIsFollowedByTheOneBefore(t *testing.T) {
	refuse := func(version string) orgtest.Fault {
		return orgtest.Fault{
			Path: "/services/Soap/m/" + version, Times: -1, Status: 500, Header: http.Header{"Content-Type": {"text/xml"}},
			Body: `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>sf:INVALID_TYPE</faultcode>` +
				`<faultstring>INVALID_TYPE: Unknown type:ExtlClntAppOauthSecuritySettings</faultstring></e:Fault></e:Body></e:Envelope>`,
		}
	}
	for _, c := range []struct {
		refused []string
		tried   string
		fails   bool
	}{
		{nil, "68.0", false},
		{[]string{"68.0"}, "68.0 67.0", false},
		{[]string{"68.0", "67.0"}, "68.0 67.0 66.0", false},
		{[]string{"68.0", "67.0", "66.0"}, "68.0 67.0 66.0", true},
	} {
		t.Run(fmt.Sprint(c.refused), func(t *testing.T) {
			files := existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())
			w := newWorld(t, orgtest.Config{Release: orgtest.Winter27, Existing: files})
			conn := w.connect(t)
			for _, version := range c.refused {
				if err := w.org.Inject(refuse(version)); err != nil {
					t.Fatal(err)
				}
			}
			var tried []string
			w.rec.seen = func(r *http.Request) {
				if version, ok := strings.CutPrefix(r.URL.Path, "/services/Soap/m/"); ok {
					tried = append(tried, version)
				}
			}
			report, err := conn.Check(t.Context())
			if (err != nil) != c.fails {
				t.Errorf("%v\n%s", err, report)
			}
			if got := strings.Join(slices.Compact(tried), " "); got != c.tried {
				t.Errorf("tried %s, want %s", got, c.tried)
			}
		})
	}
}
