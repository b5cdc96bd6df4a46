package metadata

import (
	"math"
	"time"
)

// IdleLimit is for how long a refresh token may stay unused where the org's or the app's idle limit is on. Each use
// begins the time again.
//
// Source: Salesforce Help, "Limit the Idle Refresh Token TTL in External Client Apps" and "… in Connected Apps".
const IdleLimit = 30 * 24 * time.Hour

// IdlePolicy is what Salesforce makes of [ValidUntilRevoked] where the idle limit is on: "not used for" 30 days.
//
// Source: as [IdleLimit].
func IdlePolicy() RefreshTokenPolicy {
	return RefreshTokenPolicy{Rule: ExpireIfUnused, Period: 30, Unit: Days}
}

// Duration returns the period of a policy that has one, at most 292 years; 0 for any other, and where period or unit is
// missing or no number of Salesforce's. A month counts as 30 days, which is *assumed*: it makes 30 days, 720 hours and
// one month the same.
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

// OutlastsUse reports whether a refresh token lives under the policy for as long as it is used once in 30 days:
// [ValidUntilRevoked], or [ExpireIfUnused] with [IdleLimit] or more. Where the idle limit is on, Salesforce makes the same
// of both.
func (p RefreshTokenPolicy) OutlastsUse() bool {
	return p.Rule == ValidUntilRevoked || p.Rule == ExpireIfUnused && p.Duration() >= IdleLimit
}

// Same reports whether two policies mean the same: the same rule for the same time, in whatever unit, or
// [ValidUntilRevoked] and [ExpireIfUnused] with [IdleLimit] or more, since the one becomes the other where the idle limit
// is on. A policy whose period or unit cannot be read is the same only as one that is equal to it.
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
