package orgtest

import (
	"fmt"
	"strings"
	"time"
)

// Release is a Salesforce release, by the newest API version that an org of that release serves.
//
// Source: published types of Metadata API 67 and 68; that these are those of Summer '26 and Winter '27 is consistent with
// help, and assumed.
type Release int

// Releases.
const (
	Winter26 Release = 65
	Spring26 Release = 66
	Summer26 Release = 67
	Winter27 Release = 68 // since October and November 2026, the default
)

// ValidUntilRevoked is what an org does with the Refresh Token Policy "valid until revoked" while the idle limit is on.
type ValidUntilRevoked int

const (
	// InfiniteKept leaves the metadata as it is, though it has no effect. Source: help, limit the idle refresh token TTL.
	InfiniteKept ValidUntilRevoked = iota
	// InfiniteRewritten makes it 30 days without use whenever the app's policies are saved, by a deployment or in Setup.
	// Assumed, since Setup shows these 30 days on the page that is saved.
	InfiniteRewritten
	// InfiniteRefused refuses a deployment that sets it. Assumed, as are the words.
	InfiniteRefused
)

// idleTTL is how long a refresh token may stay unused where the idle limit is on; each use begins it again. Source: help,
// limit the idle refresh token TTL.
const idleTTL = 30 * 24 * time.Hour

func (r Release) check() error {
	if r < Winter26 || r > Winter27 {
		return fmt.Errorf("the field Config.Release is none of Winter26 to Winter27: %d", r)
	}
	return nil
}

// newest is the newest API version that the org serves.
func (o *Org) newest() int { return int(o.release.Load()) }

// limits reports whether the org is of a release that limits how long refresh tokens stay unused, whatever the app says.
func (o *Org) limits() bool { return o.newest() >= int(Winter27) }

// Upgrade brings an older org to another release. On the day on which it comes to [Winter27] the idle limit is enforced: all
// sessions of the org end, and every refresh token that has not been used for 30 days. Refresh Token Policies in the metadata
// stay as they are. An older release than the org has is an error.
//
// Source: release notes of Winter '27, Identity and Access Management, as quoted; help, limit the idle refresh token TTL.
func (o *Org) Upgrade(to Release) error {
	if err := to.check(); err != nil {
		return fmt.Errorf("orgtest: Upgrade: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if int(to) < o.newest() {
		return fmt.Errorf("orgtest: Upgrade: the org is of API version %d already", o.newest())
	}
	enforced := !o.limits() && to >= Winter27
	o.release.Store(int64(to))
	o.record(Entry{Event: "setup", Detail: fmt.Sprintf("upgraded to API version %d", to), Outcome: "ok"})
	if !enforced {
		return nil
	}
	now := o.now()
	for key, c := range o.components {
		body := c.body.clone()
		o.lock(c, nil, body)
		changed := *c
		changed.body = body
		o.components[key] = &changed
	}
	for _, s := range o.sessions {
		s.end(now)
	}
	for _, ap := range o.approvals {
		if ap.ended.IsZero() && !now.Before(ap.used.Add(idleTTL)) {
			o.end(ap)
		}
	}
	return nil
}

// boxes are the security settings of an app that Setup may show selected and greyed out, of both kinds of app.
var boxes = map[string]struct{ pkce, rotation, idle string }{
	"ExtlClntAppGlobalOauthSettings": {"isPkceRequired", "isRefreshTokenRotationEnabled", "isEnforceRefreshTokenTTL"},
	"ConnectedApp":                   {"oauthConfig/isPkceRequired", "oauthConfig/isRefreshTokenRotationEnabled", "oauthConfig/isEnforceRefreshTokenTTL"},
}

// fixed lists the boxes that nobody can clear: the idle limit of every app; of an external client app that was made in this
// release PKCE and rotation; on any app rotation that is on, and on a connected app PKCE that is. was is the component as it
// is, nil for a new one. That a deployment which clears one succeeds, and leaves it selected, is assumed.
//
// Source: help, limit the idle refresh token TTL; setup guides of vendors, which show the boxes on customers' own apps;
// ISVforce guide, "After PKCE is enabled, partners won't be permitted to disable".
func (o *Org) fixed(c, was *component) []string {
	b, known := boxes[c.typ]
	if !known || !o.limits() || c.typ == "ConnectedApp" && c.body.at("oauthConfig") == nil {
		return nil
	}
	list := []string{b.idle}
	if c.locked || was != nil && was.body.is(b.rotation) {
		list = append(list, b.rotation)
	}
	if c.locked || c.typ == "ConnectedApp" && was != nil && was.body.is(b.pkce) {
		list = append(list, b.pkce)
	}
	return list
}

// lock selects the boxes of a component that nobody can clear.
func (o *Org) lock(c, was *component, body *node) {
	for _, path := range o.fixed(c, was) {
		body.set(path, "true")
	}
}

// refusePolicy is the answer to "valid until revoked" where the org refuses it. The words are assumed.
func (o *Org) refusePolicy(draft components, typ string, body *node) *problem {
	if o.cfg.ValidUntilRevoked != InfiniteRefused || !infinite(typ, body) || !o.idleLimited(draft, typ, body) {
		return nil
	}
	return body.problem("INVALID_INPUT", "The refresh token policy Infinite isn't supported when the idle refresh token TTL is limited.")
}

// rewritePolicy makes 30 days without use of "valid until revoked" where the org does that.
func (o *Org) rewritePolicy(draft components, typ string, body *node) {
	switch {
	case o.cfg.ValidUntilRevoked != InfiniteRewritten || !infinite(typ, body) || !o.idleLimited(draft, typ, body):
	case typ == "ConnectedApp":
		body.set("oauthPolicy/refreshTokenPolicy", "specific_inactivity:30:DAYS")
	default:
		body.set("refreshTokenPolicyType", "SpecificInactivity")
		body.set("refreshTokenValidityPeriod", "30")
		body.set("refreshTokenValidityUnit", "Days")
	}
}

func infinite(typ string, body *node) bool {
	switch typ {
	case "ConnectedApp":
		return strings.EqualFold(body.value("oauthPolicy/refreshTokenPolicy"), "infinite")
	case "ExtlClntAppOauthConfigurablePolicies":
		return body.value("refreshTokenPolicyType") == "Infinite"
	}
	return false
}

// idleLimited tells whether the idle limit of a component's app is on.
func (o *Org) idleLimited(draft components, typ string, body *node) bool {
	if typ == "ConnectedApp" {
		return o.limits() || body.is(boxes[typ].idle)
	}
	return o.limits() || draft.body("ExtlClntAppGlobalOauthSettings", body.value("externalClientApplication")).is("isEnforceRefreshTokenTTL")
}
