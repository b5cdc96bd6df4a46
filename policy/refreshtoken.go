package policy

import (
	"fmt"

	"github.com/fullcast/sfauth/metadata"
)

// idleLimit is what was read about the limit on how long an app's refresh tokens may stay unused.
//
// Source: Salesforce Help, "Limit the Idle Refresh Token TTL in External Client Apps" and "… in Connected Apps": where it
// is on, Setup hides "valid until revoked" and shows "not used for" 30 days, while the metadata stays as it was.
type idleLimit uint8

const (
	limitNotVisible idleLimit = iota // the element is absent, as in every file of before API version 67
	limitOn
	limitOff
)

// idleLimit reads isEnforceRefreshTokenTTL.
func (s Subject) idleLimit() idleLimit {
	for _, path := range []string{"isEnforceRefreshTokenTTL", "oauthConfig/isEnforceRefreshTokenTTL"} {
		if v, _ := s.element(PartGlobalSettings, path); v.IsValid() {
			if v.Elem().Bool() {
				return limitOn
			}
			return limitOff
		}
	}
	return limitNotVisible
}

// note says what was read, about an app whose policy is got.
func (l idleLimit) note(got metadata.RefreshTokenPolicy) string {
	text := "Refresh Token Policy is " + quoted(list(policyInWords(got))) + ", and the app's idle limit (isEnforceRefreshTokenTTL) "
	switch l {
	case limitOn:
		return text + "was read as on: a refresh token ends when it is not used for 30 days, and Setup says so."
	case limitOff:
		return text + "was read as off."
	}
	return text + "is not visible: where it is on, a refresh token ends when it is not used for 30 days."
}

// meets reports whether an app with the policy got does what is wanted, as far as l is known.
func (l idleLimit) meets(got, want metadata.RefreshTokenPolicy) bool {
	switch {
	case got.Rule == want.Rule:
		return got.Same(want)
	case want.Rule == metadata.ValidUntilRevoked || l == limitOn:
		return want.OutlastsUse() && got.OutlastsUse()
	}
	return false
}

// readable reports whether a policy is one of Salesforce's, with a period where its rule needs one.
func readable(p metadata.RefreshTokenPolicy) bool {
	switch p.Rule {
	case metadata.ValidUntilRevoked, metadata.ExpireImmediately:
		return true
	case metadata.ExpireIfUnused, metadata.ExpireAfter:
		return p.Duration() > 0
	}
	return false
}

// policyInWords is a policy as Setup has it; nil when it was not read.
func policyInWords(p metadata.RefreshTokenPolicy) []string {
	switch {
	case p.Rule == "":
		return nil
	case p.Period == 0 && p.Unit == "":
		return []string{string(p.Rule)}
	}
	return []string{fmt.Sprintf("%s: %d %s", p.Rule, p.Period, p.Unit)}
}

const chooseIdle = `choose "Expire refresh token if not used for" and enter 30 Days`

// choosePolicy is for an app whose idle limit is not known: Setup lists either option.
func choosePolicy(label string, want []string) string {
	do := choose(label, want)
	if want[0] == string(metadata.ValidUntilRevoked) {
		do += "; where Setup does not list that, " + chooseIdle
	}
	return do
}

// judgeRefreshToken judges the Refresh Token Policy. Where Setup no longer lists "valid until revoked", 30 days without
// use or more are what is left of it, and meet the instruction.
func judgeRefreshToken(p *Pass, f field, at place, want metadata.AppSpec) {
	got, limit := p.Spec.RefreshTokenPolicy, p.Subject.idleLimit()
	until := want.RefreshTokenPolicy.Rule == metadata.ValidUntilRevoked
	do, wanted := f.do(at.label, f.want(want)), f.want(want)
	switch {
	case until && limit == limitOn:
		wanted, do = policyInWords(metadata.IdlePolicy()), "under "+at.label+", "+chooseIdle
	case until && limit == limitOff:
		do = choose(at.label, wanted)
	}
	found := Finding{Got: list(policyInWords(got)), Want: list(wanted), Fix: at.screen.clicks(do)}
	met := limit.meets(got, want.RefreshTokenPolicy)
	if met && got.OutlastsUse() {
		p.note(limit.note(got))
	}
	switch {
	case met && until && limit == limitOff && got.Rule != metadata.ValidUntilRevoked:
		found.Severity, found.NoCorrection = SeverityNote, "it meets the instruction as it is"
		found.Message = at.label + " is " + quoted(found.Got) + ", which is long enough; the idle limit was read as off, so that Setup also offers " + quoted(found.Want)
		p.Find(found)
	case met:
	case !readable(got):
		found.Message = at.label + " is " + quoted(found.Got) + ", which is no policy that Salesforce documents, or has no period that can be read; wanted is " + quoted(found.Want)
		p.Find(found)
	default:
		p.Find(found)
	}
}

// clearPKCE is what to do about the box of a connected app, which the instructions clear.
//
// Source: Salesforce ISVforce Guide, "Secure Your Connected Apps and External Client Apps": "After PKCE is enabled,
// partners won't be permitted to disable"; reports of customers' own apps.
func clearPKCE(label string, want []string) string {
	if want[0] != cleared {
		return tick(label, want)
	}
	return "where Setup lets you, " + tick(label, want) + "; where it does not, leave it selected"
}

// judgeRequiredPKCE judges PKCE. On a connected app it may stay selected: Salesforce does not let everybody clear it.
func judgeRequiredPKCE(p *Pass, f field, at place, want metadata.AppSpec) {
	got := f.want(p.Spec)
	if p.Spec.RequirePKCE == want.RequirePKCE {
		return
	}
	found := Finding{Got: list(got)}
	switch {
	case f.byDefault(p, at):
		found.Message = f.defaultCounts(at, got, f.want(want))
	case want.Kind == metadata.KindConnectedApp && want.RequirePKCE == metadata.Cleared:
		found.Message = at.label + " is selected. Where Salesforce does not let it be cleared, it may stay so: this SDK always sends a proof key (S256)"
	}
	p.Find(found)
}
