package fullcast_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
)

func TestSiteOf(t *testing.T) {
	tests := []struct {
		name, url string
		want      fullcast.Site
	}{
		{"the production instance", "https://app.fullcast.io", fullcast.Production},
		{"the pre-production instance", "https://sandbox.fullcast.io", fullcast.PreProduction},
		{"a trailing slash is a path", "https://app.fullcast.io/", fullcast.Production},
		{"a page as the address bar shows it", "https://sandbox.fullcast.io/app/admin/motion?tab=2#top", fullcast.PreProduction},
		{"the path's case is nothing", "https://app.fullcast.io/APP", fullcast.Production},
		{"a callback URL of the instance", "https://app.fullcast.io/app/motion/segments", fullcast.Production},
		{"host and scheme in capitals", "HTTPS://APP.Fullcast.IO", fullcast.Production},
		{"the default port spelled out", "https://sandbox.fullcast.io:443/app", fullcast.PreProduction},
		{"outer white space of a paste", "\t https://app.fullcast.io \r\n", fullcast.Production},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fullcast.SiteOf(tt.url)
			if err != nil || got != tt.want {
				t.Errorf("SiteOf(%q) = %q, %v; want %q", tt.url, got, err, tt.want)
			}
		})
	}
}

func TestSiteOfRefusesNearMisses(t *testing.T) {
	tests := []struct{ name, url string }{
		{"nothing", ""},
		{"no scheme", "app.fullcast.io"},
		{"no scheme but slashes", "//app.fullcast.io"},
		{"plain http", "http://app.fullcast.io"},
		{"another scheme", "ftp://app.fullcast.io"},
		{"an opaque URL", "https:app.fullcast.io"},
		{"another port", "https://app.fullcast.io:8443"},
		{"an empty port", "https://app.fullcast.io:"},
		{"a user", "https://app.fullcast.io@evil.example"},
		{"a user before the right host", "https://admin:hunter2@app.fullcast.io"},
		{"a trailing dot", "https://app.fullcast.io."},
		{"a longer host", "https://app.fullcast.io.evil.example"},
		{"a host that ends alike", "https://myapp.fullcast.io"},
		{"a subdomain", "https://eu.app.fullcast.io"},
		{"the bare domain", "https://fullcast.io"},
		{"the web site", "https://www.fullcast.io"},
		{"the support site", "https://support.fullcast.com"},
		{"another top level", "https://app.fullcast.com"},
		{"pre-production by a guessed name", "https://preprod.fullcast.io"},
		{"a Salesforce org", "https://acme--dev.sandbox.my.salesforce.com"},
		{"a long s for an s", "https://\u017fandbox.fullcast.io"},
		{"a full-width dot", "https://app\uff0efullcast.io"},
		{"a backslash", `https://app.fullcast.io\@evil.example`},
		{"an escaped dot", "https://app%2efullcast.io"},
		{"a control character", "https://app.fullcast.io\x00"},
		{"a line break inside", "https://app.full\ncast.io"},
		{"two URLs", "https://app.fullcast.io https://sandbox.fullcast.io"},
		{"this machine", "http://localhost:4200"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fullcast.SiteOf(tt.url)
			if err == nil {
				t.Fatalf("SiteOf(%q) = %q, want an error", tt.url, got)
			}
			if got != "" {
				t.Errorf("SiteOf(%q) = %q with an error, want no Site", tt.url, got)
			}
			for _, s := range []fullcast.Site{fullcast.Production, fullcast.PreProduction} {
				if !strings.Contains(err.Error(), string(s)) {
					t.Errorf("error %q does not say to use %s", err, s)
				}
			}
		})
	}
}

func TestSiteOfErrorShowsNoSecretOfTheURL(t *testing.T) {
	for _, u := range []string{
		"https://admin:hunter2@app.fullcast.io",
		"https://evil.example/hunter2?code=hunter2#hunter2",
		"http://app.fullcast.io/?code=hunter2",
		"https://app.fullcast.io:99999/%zz?code=hunter2",
	} {
		_, err := fullcast.SiteOf(u)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("SiteOf(%q): error %v", u, err)
		}
	}
}

func TestSiteValidate(t *testing.T) {
	tests := []struct {
		name string
		site fullcast.Site
		ok   bool
	}{
		{"production", fullcast.Production, true},
		{"pre-production", fullcast.PreProduction, true},
		{"another https origin, for development", "https://dev.example.com", true},
		{"with a port", "https://dev.example.com:8443", true},
		{"http on localhost", "http://localhost:4200", true},
		{"http on the loopback address", "http://127.0.0.1:4200", true},
		{"http on IPv6 loopback", "http://[::1]:4200", true},
		{"empty", "", false},
		{"http elsewhere", "http://dev.example.com", false},
		{"http on a name that begins with localhost", "http://localhost.evil.example", false},
		{"no scheme", "app.fullcast.io", false},
		{"no host", "https://", false},
		{"a trailing slash", "https://app.fullcast.io/", false},
		{"a path", "https://app.fullcast.io/app", false},
		{"a query", "https://app.fullcast.io?x", false},
		{"an empty query", "https://app.fullcast.io?", false},
		{"a fragment", "https://app.fullcast.io#x", false},
		{"an empty fragment", "https://app.fullcast.io#", false},
		{"a user", "https://u@app.fullcast.io", false},
		{"capitals", "https://App.fullcast.io", false},
		{"outer white space", " https://app.fullcast.io", false},
		{"the default port", "https://app.fullcast.io:443", false},
		{"the default port of http", "http://localhost:80", false},
		{"an empty port", "https://app.fullcast.io:", false},
		{"a line break", "https://app.fullcast.io\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.site.Validate()
			if (err == nil) != tt.ok {
				t.Errorf("Site(%q).Validate() = %v, want ok %v", tt.site, err, tt.ok)
			}
			if err != nil && !strings.Contains(err.Error(), "fullcast.Production") {
				t.Errorf("error %q does not say what to use", err)
			}
		})
	}
}

func TestCheckCallbackURLs(t *testing.T) {
	for _, site := range []fullcast.Site{fullcast.Production, fullcast.PreProduction} {
		other := fullcast.Production
		if site == other {
			other = fullcast.PreProduction
		}
		ours, theirs := site.CallbackURLs(), other.CallbackURLs()
		tests := []struct {
			name  string
			urls  []string
			names []string // what the error must name; none means no error
		}{
			{"all three", ours, nil},
			{"order is nothing", []string{ours[2], ours[0], ours[1]}, nil},
			{"one missing", ours[1:], ours[:1]},
			{"none", nil, ours},
			{"those of the other instance", theirs, slices.Concat(ours, theirs)},
			{"one of the other instance besides", append(slices.Clone(ours), theirs[1]), theirs[1:2]},
			{"one of the other instance instead", []string{ours[0], ours[1], theirs[2]}, []string{ours[2], theirs[2]}},
			{"one twice", append(slices.Clone(ours), ours[1]), ours[1:2]},
			{"a trailing slash", []string{ours[0] + "/", ours[1], ours[2]}, ours[:1]},
			{"another case", []string{strings.ToUpper(ours[0]), ours[1], ours[2]}, ours[:1]},
		}
		for _, tt := range tests {
			t.Run(string(site)+" "+tt.name, func(t *testing.T) {
				err := site.CheckCallbackURLs(tt.urls)
				if (err == nil) != (len(tt.names) == 0) {
					t.Fatalf("CheckCallbackURLs(%q) = %v", tt.urls, err)
				}
				for _, u := range tt.names {
					if !strings.Contains(err.Error(), `"`+u+`"`) {
						t.Errorf("error does not name %s:\n%v", u, err)
					}
				}
			})
		}
	}
}

func TestCallbackURLsAreTheCallersToChange(t *testing.T) {
	fullcast.Production.CallbackURLs()[0] = "changed"
	if got := fullcast.Production.CallbackURLs()[0]; got == "changed" {
		t.Error("a caller's change reaches the next caller")
	}
}
