package metadata

import (
	"math"
	"time"
)

// IdleLimit is the time after which an unused refresh token ends, if the idle limit of the org or the app is on. Each use begins
// the time again.
//
// Source: Salesforce Help, "Limit the Idle Refresh Token TTL in External Client Apps" and "… in Connected Apps".
const IdleLimit = 30 * 24 * time.Hour

// IdlePolicy returns "not used for" 30 days. If the idle limit is on, Salesforce changes ValidUntilRevoked into this policy.
//
// Source: as [IdleLimit].
func IdlePolicy() RefreshTokenPolicy {
	return RefreshTokenPolicy{Rule: ExpireIfUnused, Period: 30, Unit: Days}
}

// Duration returns the period of the policy, at most 292 years. It returns 0 if the policy has no period, or if the period or the
// unit is missing or unknown to Salesforce. A month counts as 30 days, which is *assumed*: 30 days, 720 hours and one month are
// then the same.
func (p RefreshTokenPolicy) Duration() time.Duration {
	unit := map[RefreshUnit]time.Duration{Hours: time.Hour, Days: 24 * time.Hour, Months: 30 * 24 * time.Hour}[p.Unit]
	if !p.Rule.expires() || unit == 0 || p.Period < 1 {
		return 0
	}
	if time.Duration(p.Period) > math.MaxInt64/unit {
		return math.MaxInt64
	}
	return time.Duration(p.Period) * unit
}

// OutlastsUse reports whether a refresh token stays valid under the policy if it is used once in 30 days. It is true for
// ValidUntilRevoked, and for ExpireIfUnused with [IdleLimit] or more. If the idle limit is on, Salesforce treats both in the same
// way.
func (p RefreshTokenPolicy) OutlastsUse() bool {
	return p.Rule == ValidUntilRevoked || p.Rule == ExpireIfUnused && p.Duration() >= IdleLimit
}

// Same reports whether two policies mean the same. They do in two cases. Both have the same rule for the same time, in any unit.
// Or one is ValidUntilRevoked and the other is ExpireIfUnused with [IdleLimit] or more, because Salesforce changes the first into
// the second if the idle limit is on. A policy whose period or unit cannot be read is the same only as a policy that is equal to
// it.
func (p RefreshTokenPolicy) Same(q RefreshTokenPolicy) bool {
	switch {
	case p == q:
		return true
	case p.Rule == q.Rule:
		return p.Duration() != 0 && p.Duration() == q.Duration()
	}
	return p.OutlastsUse() && q.OutlastsUse()
}

// keeps reports whether a live policy stays as it is where p is listed: it means the same already, or p is
// [ValidUntilRevoked] and the live one is what Salesforce makes of it. The other way about, a period that is asked for is
// written: it holds where the idle limit is off, too.
func (p RefreshTokenPolicy) keeps(live RefreshTokenPolicy) bool {
	return p.Rule == live.Rule && p.Same(live) || p.Rule == ValidUntilRevoked && live.OutlastsUse()
}
