package orgtest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// app is what the org knows about an app beyond its metadata: credentials and whether an administrator has blocked it.
type app struct {
	name       string
	external   bool // external client app, else connected app
	id         string
	consumerID string
	sets       []*credentials // the current set first
	blocked    bool
	known      time.Time // when the OAuth endpoints learn of it
	callbacks  []string  // as they were when the app departed
}

// credentials are one consumer key with its secret.
type credentials struct {
	id, key, secret string
	until           time.Time // zero: no end
	staged          bool
}

func (a *app) current() *credentials { return a.sets[0] }

// set finds the live credentials with a key, nil when there are none.
func (a *app) set(key string, now time.Time) *credentials {
	for _, c := range a.sets {
		if c.key == key && !c.staged && (c.until.IsZero() || now.Before(c.until)) {
			return c
		}
	}
	return nil
}

// client is an app seen through one of its credentials.
type client struct {
	app    *app
	key    string
	secret string
}

// settings is what an app's metadata says at this moment, whichever kind of app it is.
type settings struct {
	callbacks                      []string
	scopes                         []string // metadata words
	pkce, secretWeb, secretRefresh bool
	rotation, introspectAll        bool
	enabled                        bool
	preAuthorized                  bool
	profiles, permissionSets       []string
	ip                             string // lower case, as in ipRelaxationPolicyType
	refresh                        refreshPolicy
	sessionTimeout                 time.Duration
	highAssurance                  bool
	idTokenLife                    time.Duration
	jwt                            bool // access tokens are JWTs
	mutualTLS, ipBinding           bool
	dpop                           bool // token requests must prove a key (RFC 9449); that the element means "required" is assumed
}

// refreshPolicy is the Refresh Token Policy: infinite, zero, lifetime or inactivity with a period.
type refreshPolicy struct {
	kind    string
	period  time.Duration
	limited bool // by the app's idle limit, whatever the kind
}

// settingsOf reads an app's metadata. The caller holds the lock.
func (o *Org) settingsOf(a *app) settings {
	var s settings
	if a.external {
		s = o.externalSettings(a)
	} else if c := o.components.find("ConnectedApp", a.name); c != nil {
		s = connectedSettings(c.body)
	}
	s.pkce = s.pkce || o.components.setting("OauthOidcSettings", "isPkceRequired")
	s.rotation = s.rotation || o.cfg.RotateRefreshTokens
	// API access control; that it makes every app behave as one for pre-authorized users is assumed
	s.preAuthorized = s.preAuthorized || o.components.setting("ConnectedAppSettings", "enableAdminApprovedAppsOnly")
	if s.sessionTimeout == 0 {
		s.sessionTimeout = o.sessionTimeout()
	}
	return s
}

func (o *Org) externalSettings(a *app) settings {
	oauth := o.components.body("ExtlClntAppOauthSettings", a.name)
	global := o.components.body("ExtlClntAppGlobalOauthSettings", a.name)
	policy := o.components.body("ExtlClntAppOauthConfigurablePolicies", a.name)
	general := o.components.body("ExtlClntAppConfigurablePolicies", a.name)
	return settings{
		callbacks:      strings.Fields(global.value("callbackUrl")),
		scopes:         splitList(oauth.value("commaSeparatedOauthScopes")),
		pkce:           global.is("isPkceRequired"),
		secretWeb:      !global.is("isConsumerSecretOptional"),
		secretRefresh:  global.is("isSecretRequiredForRefreshToken"),
		rotation:       global.is("isRefreshTokenRotationEnabled"),
		introspectAll:  global.is("isIntrospectAllTokens"),
		enabled:        general.is("isEnabled") && general.is("isOauthPluginEnabled"),
		preAuthorized:  policy.value("permittedUsersPolicyType") == "AdminApprovedPreAuthorized",
		profiles:       splitList(policy.value("commaSeparatedProfile")),
		permissionSets: splitList(policy.value("commaSeparatedPermissionSet")),
		ip:             strings.ToLower(policy.value("ipRelaxationPolicyType")),
		refresh: refreshPolicy{
			kind:    strings.ToLower(strings.TrimPrefix(policy.value("refreshTokenPolicyType"), "Specific")),
			period:  period(policy.value("refreshTokenValidityPeriod"), policy.value("refreshTokenValidityUnit")),
			limited: global.is("isEnforceRefreshTokenTTL"),
		},
		sessionTimeout: minutes(policy.value("sessionTimeoutInMinutes")),
		highAssurance:  policy.value("requiredSessionLevel") == "HIGH_ASSURANCE" && policy.value("policyAction") != "RaiseSessionLevel",
		idTokenLife:    minutes(global.value("idTokenConfig/idTokenValidityInMinutes")),
		jwt:            global.is("isNamedUserJwtEnabled"),
		dpop:           global.is("isDPopEnabled"),
		mutualTLS:      global.is("isMtlsEnabled"),
	}
}

func connectedSettings(body *node) settings {
	config := body.at("oauthConfig")
	s := settings{
		callbacks:      strings.Fields(config.value("callbackUrl")),
		scopes:         config.texts("scopes"),
		pkce:           config.is("isPkceRequired"),
		secretWeb:      !config.is("isConsumerSecretOptional"),
		secretRefresh:  config.is("isSecretRequiredForRefreshToken"),
		rotation:       config.is("isRefreshTokenRotationEnabled"),
		introspectAll:  config.is("isIntrospectAllTokens"),
		dpop:           config.is("isDPopEnabled"),
		mutualTLS:      config.is("isPKImTLSEnabled"),
		ipBinding:      config.is("isIpBindingEnabled"),
		enabled:        config != nil,
		preAuthorized:  config.is("isAdminApproved"),
		profiles:       body.texts("profileName"),
		permissionSets: body.texts("permissionSetName"), // labels on a real org; here one name is both
		ip:             strings.ToLower(body.value("oauthPolicy/ipRelaxation")),
		sessionTimeout: minutes(body.value("sessionPolicy/sessionTimeout")),
		highAssurance: body.value("sessionPolicy/sessionLevel") == "HIGH_ASSURANCE" &&
			body.value("sessionPolicy/policyAction") != "RaiseSessionLevel",
		idTokenLife: minutes(config.value("idTokenConfig/idTokenValidity")),
		jwt:         config.is("isNamedUserJwtEnabled"),
	}
	s.refresh.limited = config.is("isEnforceRefreshTokenTTL")
	words := strings.Split(strings.ToLower(body.value("oauthPolicy/refreshTokenPolicy")), ":")
	s.refresh.kind = strings.TrimPrefix(words[0], "specific_")
	if len(words) == 3 {
		s.refresh.period = period(words[1], words[2])
	}
	return s
}

// end is when the policy ended a refresh token that was granted and last used then, zero if it has not.
// With the idle limit, 30 days without use end it as well. Source: help, manage OAuth access policies; limit the idle
// refresh token TTL.
func (p refreshPolicy) end(granted, used, now time.Time) time.Time {
	end := time.Time{}
	switch p.kind {
	case "zero": // "immediately expire refresh token"
		end = granted
	case "lifetime":
		end = granted.Add(p.period)
	case "inactivity":
		end = used.Add(p.period)
	}
	if idle := used.Add(idleTTL); p.limited && (end.IsZero() || idle.Before(end)) {
		end = idle
	}
	if now.Before(end) {
		return time.Time{}
	}
	return end
}

func period(number, unit string) time.Duration {
	n, _ := strconv.Atoi(number)
	switch strings.ToLower(unit) {
	case "hours":
		return time.Duration(n) * time.Hour
	case "days":
		return time.Duration(n) * 24 * time.Hour
	case "months":
		return time.Duration(n) * 30 * 24 * time.Hour // assumed: 30 days
	}
	return 0
}

func minutes(text string) time.Duration {
	n, _ := strconv.Atoi(text)
	return time.Duration(n) * time.Minute
}

// permits says whether a user may use the app at all. Source: help, permitted users.
func (s settings) permits(p *person) bool {
	if !s.preAuthorized || slices.Contains(s.profiles, p.Profile) {
		return true
	}
	return slices.ContainsFunc(s.permissionSets, func(set string) bool { return slices.Contains(p.PermissionSets, set) })
}

// settle brings the list of apps in line with the metadata: new apps get credentials, apps that are gone depart and take
// their tokens with them. One that was deleted and comes again by the same name is another app. before is the metadata as it was.
func (o *Org) settle(before components) {
	have := map[string]bool{}
	for _, name := range sorted(o.apps) {
		typ := "ConnectedApp"
		if o.apps[name].external {
			typ = "ExternalClientApplication"
		}
		if c := o.components.find(typ, name); c != nil && c.id != o.apps[name].id {
			o.depart(o.apps[name], before)
		}
	}
	for _, c := range o.components.of("ExternalClientApplication") {
		if global := o.components.satellite("ExtlClntAppGlobalOauthSettings", c.fullName); global != nil {
			have[c.fullName] = true
			o.adopt(c, global.body)
			global.body.remove("consumerKey")
			global.body.remove("consumerSecret")
		}
	}
	for _, c := range o.components.of("ConnectedApp") {
		if config := c.body.at("oauthConfig"); config != nil {
			have[c.fullName] = true
			o.adopt(c, config)
			config.remove("consumerKey")
			config.remove("consumerSecret")
		}
	}
	for _, name := range sorted(o.apps) {
		if !have[name] {
			o.depart(o.apps[name], before)
		}
	}
}

// adopt makes the app of a component that is new; given may hold a key and a secret.
func (o *Org) adopt(c *component, given *node) {
	if o.apps[c.fullName] != nil {
		return
	}
	o.apps[c.fullName] = &app{
		name: c.fullName, external: c.typ == "ExternalClientApplication", id: c.id, consumerID: o.newID("888"), known: o.now().Add(o.cfg.Propagation),
		sets: []*credentials{{
			id: o.newID("888"), key: cmp.Or(given.value("consumerKey"), newKey()), secret: cmp.Or(given.value("consumerSecret"), newSecret()),
		}},
	}
}

// depart removes an app with every approval users gave it. before is the metadata that still had it.
func (o *Org) depart(a *app, before components) {
	now := o.components
	o.components = before
	a.callbacks = o.settingsOf(a).callbacks
	o.components = now
	for _, set := range a.sets {
		o.departed[set.key] = a
	}
	delete(o.apps, a.name)
	o.endAll(a)
}

// Credentials returns the consumer key and secret of an app, which Setup shows an administrator under "Consumer Key and
// Secret".
func (o *Org) Credentials(apiName string) (consumerKey, consumerSecret string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.advance()
	a := o.apps[apiName]
	if a == nil {
		return "", "", fmt.Errorf("orgtest: no app with OAuth is named %q", apiName)
	}
	return a.current().key, a.current().secret, nil
}

// clientAt is clientWithKey in the eyes of a host: the generic login host of the other kind knows no app of this org. A
// connected app that is not there is an unknown client, an external client app is one that is not installed.
func (o *Org) clientAt(in *request, key string) (c client, missing bool) {
	c, missing = o.clientWithKey(key)
	missing = missing || in.place == otherLogin
	if missing && c.app != nil && !c.app.external {
		return client{}, false
	}
	return c, missing
}

// clientWithKey finds the app that owns a consumer key, live in this org or departed from it.
func (o *Org) clientWithKey(key string) (c client, departed bool) {
	for _, name := range sorted(o.apps) {
		a := o.apps[name]
		if set := a.set(key, o.now()); set != nil && !o.now().Before(a.known) { // reported: unknown for 2 to 10 minutes
			return client{app: a, key: set.key, secret: set.secret}, false
		}
	}
	if a := o.departed[key]; a != nil {
		return client{app: a, key: key}, true
	}
	return client{}, false
}
