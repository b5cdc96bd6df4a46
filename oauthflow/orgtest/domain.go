package orgtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// Rename is a change of the org's My Domain name.
type Rename struct {
	// Name is the new My Domain name, as in [Config.MyDomain]. Required.
	Name string

	// Status is what the old host redirects with, for every path: 301, 302, 303, 307 or 308. Default 302. Help names 301, 302
	// and 307 as what the platform redirects with; that one status serves all paths is assumed.
	Status int

	// Gone leaves the old host without a redirect: its name does not resolve any more.
	Gone bool

	// KeepSessions lets access tokens live on. By default they end, as help says of a new My Domain.
	KeepSessions bool

	// RevokeTokens ends refresh tokens as well. Help says that all connections are reset; whether refresh tokens are is
	// assumed to differ from org to org.
	RevokeTokens bool
}

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
	if r.Status == 0 {
		r.Status = http.StatusFound
	}
	if err := checkRedirect(r.Status); err != nil {
		return fmt.Errorf("orgtest: Rename.Status: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if next := o.hostOf(r.Name); next != o.host {
		o.oldHosts[o.host] = r.Status
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
	o.oldHosts = map[string]int{}
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

func checkRedirect(status int) error {
	if !slices.Contains([]int{301, 302, 303, 307, 308}, status) {
		return fmt.Errorf("%d is not a redirect: 301, 302, 303, 307 or 308", status)
	}
	return nil
}

// moved answers for a host that sends a request on to the org's My Domain; false where the host answers by itself. The
// ledger has an entry "redirect" for it. Source: as for [Org.Rename] and [Org.RedirectLoginPool].
func (o *Org) moved(in *request) (answer, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	status := 0
	switch {
	case in.place == oldDomain:
		status = o.oldHosts[in.host]
	case in.place == loginHost && slices.Contains([]string{tokenPath, "/services/oauth2/revoke", "/services/oauth2/introspect"}, in.path):
		status = o.poolStatus
	}
	if status == 0 {
		return answer{}, false
	}
	o.record(Entry{Event: "redirect", Detail: in.path, Outcome: strconv.Itoa(status)})
	return redirectWith(status, "https://"+o.host+in.URL.RequestURI()), true
}
