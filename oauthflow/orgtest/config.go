package orgtest

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// Config describes the org as it is before anybody connects to it. The zero value is a production org with one
// administrator and no app. Switches that Setup keeps as metadata (PKCE for the whole org, access to secrets over REST) are
// not here: deploy them, or set them with [Org.SetAppField].
type Config struct {
	// MyDomain is the org's My Domain name, lower case letters, digits and hyphens; default "acme", which makes the host
	// acme.my.salesforce.com. With Sandbox it is "domain--sandbox", default "acme--uat".
	MyDomain string

	// Sandbox makes the org a sandbox: it logs in at test.salesforce.com and answers as *.sandbox.my.salesforce.com.
	Sandbox bool

	// Users are the people of the org. The first one is the administrator whose session [Org.AdminSession] hands out, and
	// the one who sits at the browser when an authorize request names nobody by login_hint. Default: one administrator,
	// "admin@acme.example".
	Users []User

	// Release is the Salesforce release of the org. It decides which API versions the org serves, and which security settings
	// of an app are on and cannot be cleared: in [Winter27] the idle limit on refresh tokens of every app, and PKCE and
	// rotation of every external client app that is made then. Apps of Existing are older. Default [Winter27].
	Release Release

	// ValidUntilRevoked is what the org does with that Refresh Token Policy while the idle limit is on. Sources differ.
	// Default [InfiniteKept].
	ValidUntilRevoked ValidUntilRevoked

	// Existing is metadata the org has already, file path in a package to XML text, for example
	// "connectedApps/Fullcast_Motion_Package.connectedApp"; a package.xml may be there and says nothing new. The rules about
	// creating apps do not apply to it; a consumer key and secret in it are taken over, links to the org it came from are
	// replaced.
	Existing map[string]string

	// SessionTimeout is how long an access token lives without being used; default 2 h. The org's SecuritySettings may name another,
	// and an app its own.
	SessionTimeout time.Duration

	// ApprovalLimit is how many refresh tokens one user may hold for one app before one is revoked; default 5, as most pages
	// say. One is read as "after a fifth", which is 4.
	ApprovalLimit int

	// DropLeastUsed makes the approval over the limit the one that was used longest ago. Default the oldest; pages differ.
	DropLeastUsed bool

	// RefreshTime is how long the org is busy with one refresh. A second refresh with the same token in that time is
	// refused. Default 0: instantly done.
	RefreshTime time.Duration

	// SameToken makes a refresh answer with the access token that is still alive instead of a new one.
	SameToken bool

	// RotateRefreshTokens turns rotation on for every app of the org, whatever the app says.
	RotateRefreshTokens bool

	// IntrospectionLag is how long introspection goes on calling a dead token active; default 0.
	IntrospectionLag time.Duration

	// LockSessions ties every session to the address its token was asked for from; elsewhere even a fresh token is refused. It
	// selects "Lock sessions to the IP address from which they originated", which [Org.SetAppField] changes later:
	// SetAppField("SecuritySettings", "Security", "sessionSettings/lockSessionsToIp", "false"). The second switch of these settings,
	// sessionSettings/enforceIpRangesEveryRequest, has [User.LoginRanges] count at every request, not at logins and refreshes alone.
	//
	// Source: Metadata API, SecuritySettings, SessionSettings.
	LockSessions bool

	// Propagation is how long a new app stays unknown to the OAuth endpoints; real orgs take minutes. Default 0.
	Propagation time.Duration

	// DeployTime is how long a deploy takes. Until then its status is InProgress and it can be canceled. Default 0.
	DeployTime time.Duration

	// AllowConnectedApps lets a deploy create a connected app. Salesforce has switched that off in all orgs.
	AllowConnectedApps bool

	// DailyAPIRequests is how many requests to the REST and the Metadata API the org answers in 24 hours; default 1,000,000, which is
	// more than a test makes. Each REST answer tells the usage in Sforce-Limit-Info.
	DailyAPIRequests int

	// Interactive makes the authorize page ask for user name and password, then for consent, as HTML for a real browser.
	// Otherwise the user is taken to be logged in and to allow every app.
	Interactive bool

	// Now is the org's clock; default time.Now. Waits (RefreshTime, a fault's Delay) are of package time in any case.
	Now func() time.Time
}

// User is one person of the org.
type User struct {
	// Username identifies the user in the org and has the form of an email address. Required.
	Username string

	// Password is asked for by the interactive login page. Default "password".
	Password string

	// FirstName, LastName and Email default to values made from Username.
	FirstName, LastName, Email string

	// Profile is the name of the user's profile; default "System Administrator", the only one that may use the Metadata API.
	Profile string

	// PermissionSets are the API names of the permission sets assigned to the user.
	PermissionSets []string

	// LoginRanges are the profile's login IP ranges; none means everywhere.
	LoginRanges []netip.Prefix

	// HighAssurance says that the user logs in with a second factor.
	HighAssurance bool

	// Inactive is a deactivated user, Frozen a frozen one. Neither can log in or use a token.
	Inactive, Frozen bool
}

const administrator = "System Administrator"

var (
	domainName  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,38}[a-z0-9]$`)
	sandboxName = regexp.MustCompile(`^[a-z][a-z0-9-]*[a-z0-9]--[a-z0-9]{1,10}$`)
	userName    = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
)

// complete fills in the defaults and reports every field that cannot be used.
func (c Config) complete() (Config, error) {
	var bad []error
	if c.MyDomain == "" {
		c.MyDomain = "acme"
		if c.Sandbox {
			c.MyDomain = "acme--uat"
		}
	}
	if err := checkDomain(c.MyDomain, c.Sandbox); err != nil {
		bad = append(bad, err)
	}
	if c.SessionTimeout == 0 {
		c.SessionTimeout = 2 * time.Hour
	}
	if c.ApprovalLimit == 0 {
		c.ApprovalLimit = 5
	}
	c.DailyAPIRequests = cmp.Or(c.DailyAPIRequests, 1_000_000)
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Release = cmp.Or(c.Release, Winter27)
	if err := c.Release.check(); err != nil {
		bad = append(bad, err)
	}
	if c.ValidUntilRevoked < InfiniteKept || c.ValidUntilRevoked > InfiniteRefused {
		bad = append(bad, fmt.Errorf("the field Config.ValidUntilRevoked is none of its constants: %d", c.ValidUntilRevoked))
	}
	for name, negative := range map[string]bool{
		"SessionTimeout": c.SessionTimeout < 0, "ApprovalLimit": c.ApprovalLimit < 0,
		"RefreshTime": c.RefreshTime < 0, "IntrospectionLag": c.IntrospectionLag < 0,
		"Propagation": c.Propagation < 0, "DeployTime": c.DeployTime < 0,
		"DailyAPIRequests": c.DailyAPIRequests < 0,
	} {
		if negative {
			bad = append(bad, fmt.Errorf("the field Config.%s is negative", name))
		}
	}
	if len(c.Users) == 0 {
		c.Users = []User{{Username: "admin@acme.example", FirstName: "Ada", LastName: "Admin"}}
	}
	users := make([]User, len(c.Users))
	seen := map[string]bool{}
	for i, u := range c.Users {
		u, err := u.complete()
		if err != nil {
			bad = append(bad, fmt.Errorf("in Config.Users[%d]: %w", i, err))
		} else if seen[u.Username] {
			bad = append(bad, fmt.Errorf("Config.Users[%d].Username %q is there twice", i, u.Username))
		}
		seen[u.Username] = true
		users[i] = u
	}
	c.Users = users
	if len(bad) > 0 {
		return c, faults(bad)
	}
	return c, nil
}

// faults are what cannot be used of one configuration, on one line.
type faults []error

func (f faults) Error() string {
	all := make([]string, len(f))
	for i, err := range f {
		all[i] = err.Error()
	}
	return strings.Join(all, "; ")
}

func (f faults) Unwrap() []error { return f }

func checkDomain(name string, sandbox bool) error {
	if sandbox && !sandboxName.MatchString(name) {
		return fmt.Errorf(`Config.MyDomain %q: a sandbox is named "domain--sandbox"`, name)
	}
	if !sandbox && (!domainName.MatchString(name) || strings.Contains(name, "--")) {
		return fmt.Errorf("Config.MyDomain %q: use lower case letters, digits and single hyphens", name)
	}
	return nil
}

func (u User) complete() (User, error) {
	if !userName.MatchString(u.Username) {
		return u, fmt.Errorf("the Username %q does not look like an email address", u.Username)
	}
	name, _, _ := strings.Cut(u.Username, "@")
	u.Password = cmp.Or(u.Password, "password")
	u.FirstName = cmp.Or(u.FirstName, "Test")
	u.LastName = cmp.Or(u.LastName, name)
	u.Email = cmp.Or(u.Email, u.Username)
	u.Profile = cmp.Or(u.Profile, administrator)
	u.PermissionSets = append([]string(nil), u.PermissionSets...)
	u.LoginRanges = append([]netip.Prefix(nil), u.LoginRanges...)
	return u, nil
}
