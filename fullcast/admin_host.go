package fullcast

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/oauthflow"
)

// orgType is what kind of org a login host belongs to, as far as its name tells.
type orgType string

const (
	orgProduction orgType = "production"
	orgSandbox    orgType = "sandbox"
	orgDeveloper  orgType = "developer"
	orgScratch    orgType = "scratch"
	orgOther      orgType = "other" // a playground, a demo or the like
	orgUnknown    orgType = "unknown"
)

// partitions are the parts of a My Domain's name that tell the type of its org.
//
// Source: Salesforce Help, "My Domain URL Formats", "Partitioned Domains"; "-dev-ed" ends the My Domain name of a Developer Edition org.
var partitions = map[string]orgType{
	"sandbox": orgSandbox, "develop": orgDeveloper, "scratch": orgScratch,
	"trailblaze": orgOther, "demo": orgOther, "free": orgOther, "patch": orgOther,
}

// typeOf reads the type of an org off its login host, such as acme--uat.sandbox.my.salesforce.com.
func typeOf(h oauthflow.Host) orgType {
	switch {
	case h.String() == "test.salesforce.com":
		return orgSandbox
	case h.IsZero(), h.Generic():
		return orgUnknown
	}
	org, _, _ := strings.Cut(h.String(), ".my.")
	name, partition, _ := strings.Cut(org, ".")
	switch found := partitions[partition]; {
	case found != "":
		return found
	case strings.Contains(name, "--"): // of before enhanced domains
		return orgSandbox
	case strings.HasSuffix(name, "-dev-ed"):
		return orgDeveloper
	case partition != "":
		return orgUnknown
	}
	return orgProduction
}

// setupPages are pages of Setup that the guide leads to.
//
// Source: the addresses that Setup shows in a browser; they are not documented.
var setupPages = []struct{ name, path string }{
	{"setup", "SetupOneHome"},
	{"externalClientApps", "ManageExternalClientApplication"},
	{"appManager", "NavigationMenus"},
	{"oauthUsage", "ConnectedAppsUsage"},
	{"myDomain", "OrgDomain"},
}

// setupLinks are the addresses of pages of Setup in the org of a My Domain. A generic login host is of no org, and has none.
func setupLinks(h oauthflow.Host) map[string]string {
	links := map[string]string{}
	if h.IsZero() || h.Generic() {
		return links
	}
	for _, p := range setupPages {
		links[p.name] = "https://" + h.String() + "/lightning/setup/" + p.path + "/home"
	}
	return links
}

// hostTime bounds the look at a login host before a browser is sent there.
const hostTime = 5 * time.Second

// lookUp returns a field at fault where a login host does not exist: the browser would end at a page of its own, which says nothing of
// Salesforce. Any other failure is no reason to keep the browser from a host that it may well reach.
func (a *adminAPI) lookUp(ctx context.Context, h oauthflow.Host, bad *badfields.List) {
	ctx, cancel := context.WithTimeout(ctx, hostTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+h.String()+"/.well-known/openid-configuration", nil)
	if err != nil {
		return
	}
	resp, err := a.c.login.RoundTrip(req)
	if err != nil {
		if noSuchHost(err) {
			bad.Add("Client.Host", "names no org: "+h.String()+" does not exist; copy Current My Domain URL from Setup > My Domain")
		}
		return
	}
	_ = resp.Body.Close() // that there is an answer is enough
}
