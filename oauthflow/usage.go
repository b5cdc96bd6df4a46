package oauthflow

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// usage notes the connections of orgs that have used up most of their API requests, so that each crossing is told once.
type usage struct {
	mu   sync.Mutex
	told map[Key]lowUsage
}

// lowUsage is what was told of a connection.
type lowUsage struct {
	at    time.Duration // on the manager's clock
	ample bool          // since then the org has had enough again
}

// An org's API requests are said to run low at four fifths of what it may use in 24 hours, and to do so no more below seven tenths:
// between the two nothing is told, so that an org at the threshold is not told of at each call.
const (
	lowAtPercent   = 80
	amplePercent   = 70
	usageHeader    = "Sforce-Limit-Info"
	usageParameter = "api-usage="
	usagePause     = time.Hour // between two events of one connection: what an org says is not always in order
)

// parseUsage reads how many API requests an org has used of those that it may use in 24 hours.
//
// Source: REST API Developer Guide, "Limit Info Header": Sforce-Limit-Info: api-usage=25/5000; per-app-api-usage=17/250(appName=…).
func parseUsage(h http.Header) (used, allowed int64, ok bool) {
	for part := range strings.FieldsFuncSeq(h.Get(usageHeader), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
		value, found := strings.CutPrefix(part, usageParameter)
		if !found {
			continue
		}
		u, a, cut := strings.Cut(value, "/")
		used, err1 := strconv.ParseInt(u, 10, 64)
		allowed, err2 := strconv.ParseInt(a, 10, 64)
		return used, allowed, cut && err1 == nil && err2 == nil && used >= 0 && allowed > 0 && used <= 1<<40 && allowed <= 1<<40
	}
	return 0, 0, false
}

// crosses takes up what an answer says of the org's API requests, and reports whether they have begun to run low.
func (u *usage) crosses(k Key, used, allowed int64, now time.Duration) bool {
	percent := used * 100 / allowed
	u.mu.Lock()
	defer u.mu.Unlock()
	was, told := u.told[k]
	switch {
	case percent < amplePercent && told && now-was.at >= usagePause:
		delete(u.told, k)
	case percent < amplePercent && told:
		u.told[k] = lowUsage{was.at, true}
	case percent >= lowAtPercent && (!told || was.ample && now-was.at >= usagePause):
		if u.told == nil {
			u.told = map[Key]lowUsage{}
		}
		u.told[k] = lowUsage{now, false}
		return true
	}
	return false
}

// forget gives back what is known of a connection that has ended.
func (u *usage) forget(k Key) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.told, k)
}

// watchUsage tells the observer once when the org's API requests begin to run low.
func (s *Source) watchUsage(h http.Header) {
	if used, allowed, ok := parseUsage(h); ok && s.m.usage.crosses(s.key, used, allowed, s.m.elapsed()) {
		s.m.observe(Event{Type: EventLimit, Key: s.key, APIUsed: used, APIAllowed: allowed})
	}
}
