package orgtest

import (
	"net/netip"
	"slices"
	"time"
)

// approval is what one user has allowed one app: a family of refresh tokens, of which one is alive, and the sessions they
// brought.
type approval struct {
	number        int // names the approval in the ledger
	app           *app
	key           string // consumer key it was given to
	user          *person
	scopes        []string
	host          string // host of the identity URL
	nonce         string
	assured       bool // the user logged in with a second factor
	generation    int  // how many refresh tokens there have been
	token         *refreshToken
	sessions      []*session
	created, used time.Time
	ended         time.Time // zero while alive
	busy          bool      // a refresh is being processed
}

// refreshToken is one member of a family. Only the youngest works.
type refreshToken struct {
	approval   *approval
	generation int
	ended      time.Time // when the next one took its place
}

// session is an access token and its life.
type session struct {
	token        string
	approval     *approval // nil for an administrator's own session
	user         *person
	scopes       []string
	issued, used time.Time
	timeout      time.Duration
	assured      bool
	from         netip.Addr // where the token was asked for
	ended        time.Time
}

func (s *session) end(now time.Time) {
	if s.ended.IsZero() {
		s.ended = now
	}
}

// diedAt is when the session ended or ran out, zero while it is alive. Each use starts the timeout again.
// Source: help, session policies of connected apps.
func (s *session) diedAt(now time.Time) time.Time {
	if out := s.used.Add(s.timeout); !now.Before(out) && (s.ended.IsZero() || out.Before(s.ended)) {
		return out
	}
	return s.ended
}

func (s *session) alive(now time.Time) bool { return s.diedAt(now).IsZero() }

// openSession makes an access token. ap is nil for the administrator's own.
func (o *Org) openSession(user *person, ap *approval) *session {
	now := o.now()
	s := &session{token: newAccessToken(o.id), user: user, approval: ap, issued: now, used: now, timeout: o.cfg.SessionTimeout}
	if ap != nil {
		s.scopes, s.assured = ap.scopes, ap.assured
		app := o.settingsOf(ap.app)
		s.timeout = app.sessionTimeout
		if app.jwt {
			s.token = o.accessJWT(s)
		}
		ap.sessions = append(ap.sessions, s)
	} else {
		s.scopes, s.assured = []string{"api", "full", "id", "openid", "web"}, true
	}
	o.sessions[s.token] = s
	return s
}

// approve records that a user allows an app. Over the limit one of the user's approvals of that app ends: the oldest, or the
// least recently used one, since pages differ (help, five approvals; jsforce#488). That a refresh is the use that counts,
// and not a call of the API, is assumed.
func (o *Org) approve(c client, user *person, scopes []string, host string) *approval {
	now := o.now()
	ap := &approval{
		number: len(o.approvals) + 1, app: c.app, key: c.key, user: user, scopes: scopes, host: host,
		assured: user.HighAssurance, created: now, used: now,
	}
	var alive []*approval
	for _, other := range o.approvals {
		if other.app == c.app && other.user == user && other.ended.IsZero() && other.generation > 0 {
			alive = append(alive, other)
		}
	}
	if o.cfg.DropLeastUsed {
		slices.SortStableFunc(alive, func(a, b *approval) int { return a.used.Compare(b.used) })
	}
	for len(alive) >= o.cfg.ApprovalLimit {
		o.end(alive[0])
		o.record(Entry{Event: "approval dropped", App: c.app.name, User: user.Username, Approval: alive[0].number})
		alive = alive[1:]
	}
	o.approvals = append(o.approvals, ap)
	return ap
}

// issueRefreshToken makes the next refresh token of a family; the one before is spent.
func (o *Org) issueRefreshToken(ap *approval) string {
	if ap.token != nil {
		ap.token.ended = o.now()
	}
	ap.generation++
	ap.token = &refreshToken{approval: ap, generation: ap.generation}
	text := newRefreshToken()
	o.refresh[text] = ap.token
	return text
}

// end kills an approval: its refresh token and every access token it brought. Source: docs, revoking OAuth tokens.
func (o *Org) end(ap *approval) {
	if ap.ended.IsZero() {
		ap.ended = o.now()
	}
	for _, s := range ap.sessions {
		s.end(o.now())
	}
}

// diedAt is when a refresh token was replaced, revoked or ran out, zero while it works.
func (t *refreshToken) diedAt(policy refreshPolicy, now time.Time) time.Time {
	switch {
	case !t.ended.IsZero():
		return t.ended
	case !t.approval.ended.IsZero():
		return t.approval.ended
	}
	return policy.end(t.approval.created, t.approval.used, now)
}

// refusal says why a user may not get or use a token, "" when they may. Texts: iOS SDK constants; a frozen user answers as an
// inactive one (reported).
func (p *person) refusal() string {
	if p.Inactive || p.Frozen {
		return "inactive user"
	}
	return ""
}

// inRange says whether a client address lies in the user's login ranges.
func (p *person) inRange(from netip.Addr) bool {
	for _, r := range p.LoginRanges {
		if r.Contains(from) {
			return true
		}
	}
	return len(p.LoginRanges) == 0
}

// code is an authorization code waiting to be exchanged.
type code struct {
	client    client
	user      *person
	redirect  string
	challenge string
	scopes    []string
	nonce     string
	host      string
	issued    time.Time
	used      bool
}

// codeLife is how long a code is good. Source: help, remote access terminology (15 minutes, single use).
const codeLife = 15 * time.Minute
