package orgtest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Rename is a change of the org's My Domain name.
type Rename struct {
	// Name is the new My Domain name, as in [Config.MyDomain]. Required.
	Name string

	// Status is what the old host redirects with, for every path: 301, 302, 303, 307 or 308. Default 302. Help names 301, 302
	// and 307 as what the platform redirects with; that one status serves all paths is assumed. With Unserved it is what the
	// old host refuses with: 400, 404 or 410. Default 404.
	Status int

	// Unserved is how the old host refuses requests in place of a redirect. Empty: it redirects.
	Unserved Unserved

	// Gone leaves the old host without a redirect: its name does not resolve any more.
	Gone bool

	// KeepSessions lets access tokens live on. By default they end, as help says of a new My Domain.
	KeepSessions bool

	// RevokeTokens ends refresh tokens as well. Help says that all connections are reset; whether refresh tokens are is
	// assumed to differ from org to org.
	RevokeTokens bool
}

// Unserved is how a host of Salesforce's that serves the org no more refuses a request. Which of the two a host uses is not
// documented.
type Unserved string

const (
	// UnservedCode refuses API calls with the code URL_NOT_RESET, and all else with the page. Source: docs, REST error codes
	// (404); with 400 as reported in amazon-connect-salesforce-lambda#12. That a former My Domain host says so is assumed.
	UnservedCode Unserved = "code"
	// UnservedPage refuses every request with the page "URL No Longer Exists". Source: reported of hosts that an org has
	// left, for existing and for invented paths alike; with 410 it is assumed.
	UnservedPage Unserved = "page"
)

// RenameMyDomain is [Org.Rename] with the given name and all defaults.
func (o *Org) RenameMyDomain(name string) error { return o.Rename(Rename{Name: name}) }

// Rename gives the org another My Domain name. The old host redirects to the same path and query of the new one until
// [Org.RemoveOldDomains], for API calls and for the OAuth endpoints.
//
// Source: help, "My Domain Redirections" and "Update Your Org for My Domain Changes".
func (o *Org) Rename(r Rename) error {
	if err := checkDomain(r.Name, o.cfg.Sandbox); err != nil {
		return fmt.Errorf("orgtest: Rename: %w", err)
	}
	r.Status = cmp.Or(r.Status, r.Unserved.status())
	if err := r.Unserved.check(r.Status); err != nil {
		return fmt.Errorf("orgtest: Rename: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if next := o.hostOf(r.Name); next != o.host {
		o.oldHosts[o.host] = oldHost{r.Status, r.Unserved}
		if r.Gone {
			delete(o.oldHosts, o.host)
		}
		delete(o.oldHosts, next)
		o.host = next
	}
	if !r.KeepSessions {
		for _, s := range o.sessions {
			s.end(o.now())
		}
	}
	if r.RevokeTokens {
		for _, ap := range o.approvals {
			if ap.ended.IsZero() {
				o.end(ap)
			}
		}
	}
	o.record(Entry{Event: "setup", Detail: "My Domain renamed"})
	return nil
}

// RemoveOldDomains takes the redirects of earlier My Domain names away: those hosts do not resolve any more.
// Source: help, renaming My Domain; that the name is gone from DNS at once is assumed.
func (o *Org) RemoveOldDomains() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.oldHosts = map[string]oldHost{}
	o.record(Entry{Event: "setup", Detail: "old My Domain names removed"})
}

// RedirectLoginPool makes the generic login host of the org redirect requests for the token, revocation and introspection
// endpoints to the same path of the org's My Domain, with status 301, 302, 303, 307 or 308; 0 ends that. The generic host
// then acts on none of them. Source: reported of the login pool since June 2026
// (SalesforceMobileSDK-iOS#4074, SalesforceMobileSDK-Android#2936); the status, and that revocation and introspection are
// treated alike, is assumed.
func (o *Org) RedirectLoginPool(status int) error {
	if status != 0 {
		if err := checkRedirect(status); err != nil {
			return fmt.Errorf("orgtest: RedirectLoginPool: %w", err)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.poolStatus = status
	o.record(Entry{Event: "setup", Detail: "login pool redirects: " + strconv.Itoa(status)})
	return nil
}

// oldHost is what a name does that the org had before.
type oldHost struct {
	status   int
	unserved Unserved
}

// status returns the default.
func (u Unserved) status() int {
	if u == "" {
		return http.StatusFound
	}
	return http.StatusNotFound
}

func (u Unserved) check(status int) error {
	switch {
	case u == "":
		return checkRedirect(status)
	case u != UnservedCode && u != UnservedPage:
		return fmt.Errorf("Unserved %q is unknown: use UnservedCode or UnservedPage", u)
	case !slices.Contains([]int{400, 404, 410}, status):
		return fmt.Errorf("status %d is none that a host refuses with: 400, 404 or 410", status)
	}
	return nil
}

// refuse answers for a host that serves the org no more. Source: as for [Unserved].
func (h oldHost) refuse(path string) answer {
	if h.unserved == UnservedCode && strings.HasPrefix(path, "/services/") && !strings.HasPrefix(path, "/services/oauth2/") {
		return restError(h.status, "URL_NOT_RESET", "Destination URL not reset. The URL returned from login must be set in the SforceService")
	}
	return noSuchURL(h.status)
}

// noSuchURL is Salesforce's page for an address at which nothing is served. Source: public copies of it; cut to its first sentences.
func noSuchURL(status int) answer {
	return pageAnswer(status, "Error", "<span>URL No Longer Exists</span><br>You have attempted to reach a URL that no longer exists on salesforce.com.")
}

func checkRedirect(status int) error {
	if !slices.Contains([]int{301, 302, 303, 307, 308}, status) {
		return fmt.Errorf("%d is not a redirect: 301, 302, 303, 307 or 308", status)
	}
	return nil
}

// moved answers for a host that sends a request on to the org's My Domain, or serves the org no more; false where the host answers
// by itself. The ledger has an entry "redirect" or "unserved" for it. Source: as for [Org.Rename] and [Org.RedirectLoginPool].
func (o *Org) moved(in *request) (answer, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	status := 0
	switch {
	case in.place == oldDomain && o.oldHosts[in.host].unserved != "":
		o.record(Entry{Event: "unserved", Detail: in.path, Outcome: strconv.Itoa(o.oldHosts[in.host].status)})
		return o.oldHosts[in.host].refuse(in.path), true
	case in.place == oldDomain:
		status = o.oldHosts[in.host].status
	case in.place == loginHost && slices.Contains([]string{tokenPath, "/services/oauth2/revoke", "/services/oauth2/introspect"}, in.path):
		status = o.poolStatus
	}
	if status == 0 {
		return answer{}, false
	}
	o.record(Entry{Event: "redirect", Detail: in.path, Outcome: strconv.Itoa(status)})
	return redirectWith(status, "https://"+o.host+in.URL.RequestURI()), true
}
