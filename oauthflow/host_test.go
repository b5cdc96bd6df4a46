package oauthflow_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

func TestALoginHostIsAccepted(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a My Domain", "acme.my.salesforce.com", "acme.my.salesforce.com"},
		{"a sandbox", "acme--uat.sandbox.my.salesforce.com", "acme--uat.sandbox.my.salesforce.com"},
		{"a Developer Edition", "acme-dev-ed.develop.my.salesforce.com", "acme-dev-ed.develop.my.salesforce.com"},
		{"a scratch org", "power-saas-1-dev-ed.scratch.my.salesforce.com", "power-saas-1-dev-ed.scratch.my.salesforce.com"},
		{"a Trailhead playground", "brave-otter-2.trailblaze.my.salesforce.com", "brave-otter-2.trailblaze.my.salesforce.com"},
		{"production login", "login.salesforce.com", "login.salesforce.com"},
		{"sandbox login", "test.salesforce.com", "test.salesforce.com"},
		{"an https URL", "https://acme.my.salesforce.com", "acme.my.salesforce.com"},
		{"a URL with port 443", "https://acme.my.salesforce.com:443/", "acme.my.salesforce.com"},
		{"a URL with a path and a query", "https://acme.my.salesforce.com/services/oauth2/authorize?x=1#top", "acme.my.salesforce.com"},
		{"another case", "  HTTPS://Acme.My.Salesforce.COM/ ", "acme.my.salesforce.com"},
		{"a complete DNS name", "acme.my.salesforce.com.", "acme.my.salesforce.com"},
		{"a complete DNS name in a URL", "https://Login.Salesforce.com.:443/", "login.salesforce.com"},
		{"a My Domain behind Defender for Cloud Apps", "https://acme.my.salesforce.com.mcas.ms/home", "acme.my.salesforce.com"},
		{"a Lightning page behind Defender for Cloud Apps", "acme--uat.sandbox.lightning.force.com.mcas.ms", "acme--uat.sandbox.my.salesforce.com"},
		{"a My Domain behind a government's Defender", "acme.my.salesforce.com.mcas-gov.us", "acme.my.salesforce.com"},
		{"a Setup page behind a government's Defender", "acme.my.salesforce-setup.com.mcas-gov.ms.", "acme.my.salesforce.com"},
		{"a My Domain behind Defender's administration", "acme.my.salesforce.com.admin-mcas.ms", "acme.my.salesforce.com"},
		{"a My Domain behind the proxy's older name", "acme.my.salesforce.com.cas.ms", "acme.my.salesforce.com"},
		{"production login behind Defender for Cloud Apps", "login.salesforce.com.mcas.ms", "login.salesforce.com"},
		{"a Lightning page", "https://acme.lightning.force.com/lightning/page/home", "acme.my.salesforce.com"},
		{"a sandbox's Lightning page", "acme--uat.sandbox.lightning.force.com", "acme--uat.sandbox.my.salesforce.com"},
		{"a Developer Edition's Lightning page", "acme-dev-ed.develop.lightning.force.com/one/one.app", "acme-dev-ed.develop.my.salesforce.com"},
		{"a Setup page", "https://acme.my.salesforce-setup.com/lightning/setup/SetupOneHome/home", "acme.my.salesforce.com"},
		{"a sandbox's Setup page", "https://acme--uat.sandbox.my.salesforce-setup.com", "acme--uat.sandbox.my.salesforce.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := oauthflow.ParseHost(c.in)
			if err != nil || h.String() != c.want || h.IsZero() {
				t.Fatalf("ParseHost(%q) = %q, %v; want %q", c.in, h, err, c.want)
			}
			if again, err := oauthflow.ParseHost(h.String()); err != nil || again != h {
				t.Errorf("what ParseHost returned is %q when parsed again, %v", again, err)
			}
		})
	}
}

func TestARegionIsAcceptedOnlyWhenItIsNamed(t *testing.T) {
	for _, c := range []struct {
		in, want string
		region   oauthflow.Region
		other    oauthflow.Region
	}{
		{"agency.my.salesforce.mil", "agency.my.salesforce.mil", oauthflow.GovernmentCloud, oauthflow.China},
		{"https://agency.lightning.crmforce.mil/x", "agency.my.salesforce.mil", oauthflow.GovernmentCloud, oauthflow.China},
		{"acme.my.sfcrmproducts.cn", "acme.my.sfcrmproducts.cn", oauthflow.China, oauthflow.GovernmentCloud},
		{"login.sfcrmproducts.cn", "login.sfcrmproducts.cn", oauthflow.China, oauthflow.GovernmentCloud},
		{"https://test.sfcrmproducts.cn./", "test.sfcrmproducts.cn", oauthflow.China, oauthflow.GovernmentCloud},
		{"agency.my.salesforce.mil.mcas-gov.us", "agency.my.salesforce.mil", oauthflow.GovernmentCloud, oauthflow.China},
		{"acme.lightning.sfcrmapps.cn", "acme.my.sfcrmproducts.cn", oauthflow.China, oauthflow.GovernmentCloud},
	} {
		t.Run(c.in, func(t *testing.T) {
			for _, regions := range [][]oauthflow.Region{nil, {c.other}} {
				if h, err := oauthflow.ParseHost(c.in, regions...); err == nil || !strings.Contains(err.Error(), string(c.region)) {
					t.Errorf("with regions %v: %q, %v; want an error that names %s", regions, h, err, c.region)
				}
			}
			if h, err := oauthflow.ParseHost(c.in, c.other, c.region); err != nil || h.String() != c.want {
				t.Errorf("with its region: %q, %v; want %q", h, err, c.want)
			}
		})
	}
}

func TestAnAddressThatIsNoLoginHostIsRefusedWithTheHostToUse(t *testing.T) {
	for _, c := range []struct{ name, in, advice string }{
		{"a site", "https://acme.my.site.com/partners", "probably acme.my.salesforce.com"},
		{"a sandbox's site", "acme--uat.sandbox.my.site.com", "probably acme--uat.sandbox.my.salesforce.com"},
		{"a Salesforce site", "acme.my.salesforce-sites.com", "probably acme.my.salesforce.com"},
		{"an older site", "acme.force.com", "My Domain host"},
		{"a Visualforce page", "https://acme--c.vf.force.com/apex/Home", "probably acme.my.salesforce.com"},
		{"a sandbox's Visualforce page", "acme--uat--c.sandbox.vf.force.com", "probably acme--uat.sandbox.my.salesforce.com"},
		{"a Visualforce page of no org", "x.vf.force.com", "My Domain host"},
		{"an older Visualforce page", "acme--c.visualforce.com", "My Domain host"},
		{"the web site", "www.salesforce.com", "belongs to no org"},
		{"an instance", "na139.salesforce.com", "My Domain host"},
		{"lightning.salesforce.com", "lightning.salesforce.com", "belongs to no org"},
		{"a custom domain", "crm.acme.example", "login.salesforce.com (a sandbox at test.salesforce.com)"},
		{"a custom domain behind Defender for Cloud Apps", "crm.acme.example.mcas.ms", "My Domain host"},
		{"an access page of Defender for Cloud Apps", "acme-my-salesforce-com.access.mcas.ms", "probably acme.my.salesforce.com"},
		{"another access page of Defender for Cloud Apps", "crm-acme-example.access.mcas.ms", "My Domain host"},
		{"plain http", "http://acme.my.salesforce.com", "must be https"},
		{"a port", "acme.my.salesforce.com:8443", "443"},
		{"an IPv6 address", "https://[::1]/", "My Domain host"},
		{"nothing", "  ", "is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := oauthflow.ParseHost(c.in)
			if e := wireError(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), c.advice) || !strings.Contains(e.Error(), "host") {
				t.Errorf("got %q, want advice with %q", e, c.advice)
			}
		})
	}
}

// hostileHosts are names that look like Salesforce's to somebody: a person, a parser, a regular expression.
var hostileHosts = []string{
	"evilsalesforce.com", "login.salesforce.com.evil.io", "salesforce.com.evil.io", "my.salesforce.com.evil.io",
	"acme.my.salesforce.com.evil.io", "evil.io/login.salesforce.com", "evil.io?login.salesforce.com",
	"evil.io#login.salesforce.com", "evil.io\\login.salesforce.com", "evil.io\\.my.salesforce.com",
	"login.salesforce.com@evil.io", "https://login.salesforce.com@evil.io/", "https://login.salesforce.com:pw@evil.io",
	"https://evil.io@login.salesforce.com", "salesforce.com#@evil.io", "https://evil.io\\@login.salesforce.com",
	"https://login.salesforce.com#@evil.io", "https://login.salesforce.com?@evil.io", "https://login.salesforce.com\\@evil.io", "https://login.salesforce.com%2eevil.io", "https://login%2esalesforce.com",
	"https://login.salesforce.com%00.evil.io", "login.salesforce.com\x00.evil.io", "login.salesforce.com\n.evil.io",
	"login.salesforce.com\tx", "login.salesforce.com .evil.io", "login。salesforce。com", "login.ѕalesforce.com",
	"ｌogin.salesforce.com", "xn--lgin-5qa.my.salesforce.com", "acme.xn--my-salesforce.com", "login.salesforce.com..", "evil.io.mcas.ms", "mcas.ms",
	"acme.my.salesforce.com.mcas.ms.evil.io", "acme.my.salesforce.comXmcas.ms", "acme.my.salesforce.com.mcas.ms.mcas.ms",
	"acme.my.salesforce.com.evilmcas.ms", "login.sfcrmproducts.cn", "test.sfcrmproducts.cn",
	"acme.my.salesforce.com..", ".my.salesforce.com", "..my.salesforce.com", "acme..my.salesforce.com",
	"-acme.my.salesforce.com", "acme-.my.salesforce.com", "ac_me.my.salesforce.com", "*.my.salesforce.com", "my.salesforce.com",
	"salesforce.com", "xlogin.salesforce.com", "login-salesforce.com", "loginxsalesforce.com", "login.salesforce.comx",
	"login.salesforce.co", "acme.mysalesforce.com", "acmemy.salesforce.com", "acme.my-salesforce.com",
	"acme.my.salesforce.com:8443", "acme.my.salesforce.com:80", "acme.my.salesforce.com:443:443", "acme.my.salesforce.com:",
	"http://login.salesforce.com", "ftp://login.salesforce.com", "javascript://login.salesforce.com", "//login.salesforce.com",
	"https:login.salesforce.com", "https:/login.salesforce.com", "https:///login.salesforce.com", "https://https://login.salesforce.com",
	"127.0.0.1", "[::1]", "https://[::1]/", "[::ffff:169.254.169.254]", "169.254.169.254", "0x7f.1", "0177.0.0.1", "2130706433",
	"127.1", "localhost", "metadata.google.internal", "169.254.169.254.my.salesforce.com.evil.io",
	"acme.force.com", "acme.my.site.com", "acme.site.com", "acme.my.salesforce-sites.com", "acme.cloudforce.com",
	"acme.documentforce.com", "acme.crmforce.mil", "xcrmforce.mil", "acme.my.salesforce.mil", "acme.my.sfcrmproducts.cn",
	"acme.sfcrmapps.cn", "na1.salesforce.com", "login.database.com", strings.Repeat("a", 300) + ".my.salesforce.com",
	strings.Repeat("a.", 130) + "my.salesforce.com", strings.Repeat("a", 64) + ".my.salesforce.com",
	"acme.my.salesforce.com" + strings.Repeat("/", 3000), "lightning.force.com", ".lightning.force.com",
	"acme.lightning.force.com.evil.io", "acmelightning.force.com", "acme.my.salesforce-setup.com.evil.io",
}

func TestNoHostileHostIsAccepted(t *testing.T) {
	if len(hostileHosts) < 60 {
		t.Fatalf("the corpus has %d entries, want 60 or more", len(hostileHosts))
	}
	for _, in := range hostileHosts {
		if h, err := oauthflow.ParseHost(in); err == nil {
			t.Errorf("ParseHost(%q) = %q, want an error", in, h)
		} else if !h.IsZero() {
			t.Errorf("ParseHost(%q) returned %q with its error", in, h)
		}
	}
}

func TestAHostErrorQuotesNoQuery(t *testing.T) {
	for _, in := range []string{
		"https://acme.my.site.com/s?sid=" + wireAccess, "https://acme.example/secur/frontdoor.jsp?sid=" + wireAccess,
		"https://" + wireAccess + "@acme.my.salesforce.com", "http://acme.my.salesforce.com/?sid=" + wireAccess,
		"acme.my.salesforce.com:99/?sid=" + wireAccess,
	} {
		if _, err := oauthflow.ParseHost(in); err == nil || strings.Contains(err.Error(), "wireCanary") {
			t.Errorf("%s: got %v", in, err)
		}
	}
}

func TestOnlyGenericLoginHostsCarryAnAdvisory(t *testing.T) {
	for host, want := range map[string]bool{
		"login.salesforce.com": true, "test.salesforce.com": true, "acme.my.salesforce.com": false,
		"acme--uat.sandbox.my.salesforce.com": false, "login.sfcrmproducts.cn": true, "test.sfcrmproducts.cn": true,
		"acme.my.sfcrmproducts.cn": false,
	} {
		h, err := oauthflow.ParseHost(host, oauthflow.China)
		if err != nil {
			t.Fatal(err)
		}
		if h.Generic() != want || (h.Advisory() != "") != want || want && !strings.Contains(h.Advisory(), "My Domain") {
			t.Errorf("%s: generic %v, advisory %q", host, h.Generic(), h.Advisory())
		}
	}
	if zero := (oauthflow.Host{}); zero.Generic() || zero.Advisory() != "" || !zero.IsZero() {
		t.Error("the zero Host is taken for a host")
	}
}

// allowedHost restates the allow-list without the code under test.
func allowedHost(name string) bool {
	if slices.Contains([]string{"login.salesforce.com", "test.salesforce.com", "login.sfcrmproducts.cn", "test.sfcrmproducts.cn"}, name) {
		return true
	}
	for _, suffix := range []string{".my.salesforce.com", ".my.salesforce.mil", ".my.sfcrmproducts.cn"} {
		if org, ok := strings.CutSuffix(name, suffix); ok {
			return org != "" && strings.Trim(org, "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
		}
	}
	return false
}

func FuzzHost(f *testing.F) {
	for _, s := range hostileHosts {
		f.Add(s)
	}
	f.Add("https://acme--uat.sandbox.my.salesforce.com/path?q#f")
	f.Add("acme.lightning.force.com")
	f.Add("acme.my.salesforce.com.mcas.ms.")
	f.Add("agency.my.salesforce.mil")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := oauthflow.ParseHost(s, oauthflow.GovernmentCloud, oauthflow.China)
		if err != nil {
			if !h.IsZero() {
				t.Fatalf("%q: a host %q came with the error", s, h)
			}
			return
		}
		if !allowedHost(h.String()) {
			t.Fatalf("%q was accepted as %q, which is neither listed nor below a listed domain", s, h)
		}
		if again, err := oauthflow.ParseHost(h.String(), oauthflow.GovernmentCloud, oauthflow.China); err != nil || again != h {
			t.Fatalf("%q: %q parses again as %q, %v", s, h, again, err)
		}
	})
}
