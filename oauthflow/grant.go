package oauthflow

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"time"
)

// grant is what a connection's record holds, sealed. Every successful save of it is one step of the connection's life.
type grant struct {
	Format int
	Key    Key

	Epoch      string // new at each authorization; a result of an older one never overwrites a newer one
	Generation uint64 // refreshes of this epoch; each may have spent its refresh token
	Attempt    string // the attempt that made this generation

	Client      sealedClient
	Next        *sealedClient // given by SetClient and not proved yet
	NextForeign bool          // Salesforce knows Next, but this grant is not its
	Access      sealedSecret
	Refresh     sealedSecret

	InstanceURL string
	PastHosts   []string // hosts of earlier instance URLs, the newest first
	IdentityURL string
	OrgID       string
	UserID      string
	Scopes      []string
	ExpectOrg   string // the org that the login named
	ConnectedAt time.Time
	RefreshedAt time.Time

	StoreEpoch string // ManagerConfig.StoreEpoch when the refresh token was last known to be unspent
	Timeline   string // Record.Timeline then; empty where the store did not tell
	Rotates    bool   // a refresh has brought a new refresh token before
	Unaccepted int    // generations in a row that Salesforce refused as soon as they were used
	Counted    uint64 // the last of them, plus one
	Refusing   bool   // it was suspended for that, and no access token has been accepted since

	Intent    *intent
	Fault     *fault
	Failures  int       // refused or unsent refreshes in a row
	NotBefore time.Time // back-off shared by all processes
	Revoking  bool      // being disconnected: nothing is refreshed or handed out
	Gone      bool      // disconnected: what is left keeps the record's versions from starting again
	Leaving   bool      // not to be used here: see [ErrRelocated]
	Adopted   string    // hash of the refresh token that Adopt was given
	Adopting  bool      // nobody has been told of the adoption yet
	MovedFrom *Key      // where the tokens have come from
	Received  []string  // epochs that were moved here last, also before a later login: each is moved once
	MovedTo   *Key      // where the tokens have gone; what is left here is about to be deleted
	APIFault  *fault    `json:",omitempty"` // what API calls were refused for last; the tokens have no part in it
	NoHost    time.Time `json:",omitzero"`  // since when a disconnection could not revoke: no login host, or [tokenUnreachable]
	Left      bool      `json:",omitempty"` // copied to another store: this is the mark that stays, which is Leaving, too
	TokenHost string    `json:",omitempty"` // where token requests go, since Client.Host has redirected them
	Renamed   string    `json:",omitempty"` // the org's new host, of a grant found dead after its old one had redirected API calls or was gone

	Pause      time.Duration `json:",omitempty"` // how long NotBefore lay ahead by the clock that wrote it; 0 is not known
	IdlePeriod time.Duration `json:",omitempty"` // how long the app's policy lets the refresh token stay unused; 0: no less than the org's limit

	SentWith *sealedClient `json:",omitempty"` // credentials that the intent's request was first sent with, where not Client
	Departed []string      `json:",omitempty"` // epochs whose tokens went from here to another key last
	Copied   string        `json:",omitempty"` // tells which copy of which content [Copy] has begun

	later map[string]json.RawMessage // fields of a later version of this module, kept as they are
}

// intent says that somebody may have sent the refresh token of this generation.
type intent struct {
	Attempt string
	Lease   time.Duration // within which its owner sends or never does
	At      time.Time     // by the owner's wall clock; for people, and a hint when to look for the result
}

// fault is a refusal that every process shares, so that a dead grant is asked about once.
type fault struct {
	Op, Code, Description string
	Kind                  ErrorKind
	Status                int
	At                    time.Time
	Lost                  bool   // the refresh token was spent and the answer never arrived
	OrgID, UserID         string // who answered in place of the connection's own
}

type sealedClient struct {
	Kind    AppKind // empty where an earlier version was given none
	Host    string
	ID      string
	Secret  sealedSecret
	Created time.Time
}

// sealedSecret is a Secret that encodes itself in plain: its JSON goes into a seal and nowhere else.
type sealedSecret struct{ Secret }

// MarshalJSON returns the plain text for sealing.
func (s sealedSecret) MarshalJSON() ([]byte, error) { return json.Marshal(s.Reveal()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *sealedSecret) UnmarshalJSON(b []byte) error {
	var plain string
	if err := json.Unmarshal(b, &plain); err != nil {
		return errFormat
	}
	s.Secret = NewSecret(plain)
	return nil
}

func (c Client) sealed() sealedClient {
	return sealedClient{c.Kind.OrDefault(), c.Host.name, c.ID, sealedSecret{c.Secret}, c.Created}
}

// client restores the Client; its host was parsed when it was stored and comes out of an authenticated seal.
func (c sealedClient) client() Client {
	return Client{Kind: c.Kind.OrDefault(), Host: Host{c.Host}, ID: c.ID, Secret: c.Secret.Secret, Created: c.Created}
}

func (c sealedClient) same(o sealedClient) bool {
	return c.Kind.OrDefault() == o.Kind.OrDefault() && c.Host == o.Host && c.ID == o.ID && c.Secret.Equal(o.Secret.Secret)
}

func (g *grant) token() *Token {
	return &Token{
		AccessToken: g.Access.Secret, RefreshToken: g.Refresh.Secret, InstanceURL: g.InstanceURL,
		IdentityURL: g.IdentityURL, OrgID: g.OrgID, UserID: g.UserID, Scopes: slices.Clone(g.Scopes), IssuedAt: g.RefreshedAt,
	}
}

// adopt takes over what a token endpoint answered for this grant's generation and closes the intent.
func (g *grant) adopt(t *Token, attempt string, now time.Time) {
	g.Generation++
	g.Attempt = attempt
	if !g.Refusing || !g.freshRefused() { // that one ends with an accepted token
		g.Fault = nil
	}
	g.Intent, g.SentWith, g.Failures, g.NotBefore, g.Pause = nil, nil, 0, time.Time{}, 0
	g.RefreshedAt = now
	if !t.RefreshToken.IsZero() {
		g.Rotates = g.Rotates || !t.RefreshToken.Equal(g.Refresh.Secret)
		g.Refresh = sealedSecret{t.RefreshToken}
	}
	if t.AccessToken.IsZero() { // an unusable answer: only its refresh token counts
		return
	}
	g.Access = sealedSecret{t.AccessToken}
	if t.InstanceURL != g.InstanceURL {
		if g.InstanceURL != "" && (Host{g.Client.Host}).family(hostOf(g.InstanceURL)) {
			g.PastHosts = append([]string{hostOf(g.InstanceURL)}, g.PastHosts...)
			g.PastHosts = g.PastHosts[:min(len(g.PastHosts), 3)]
		}
		g.InstanceURL = t.InstanceURL
	}
	if t.IdentityURL != "" {
		g.IdentityURL, g.OrgID, g.UserID = t.IdentityURL, t.OrgID, t.UserID
	}
	if len(t.Scopes) > 0 {
		g.Scopes = slices.Clone(t.Scopes)
	}
}

// tombstoneAge is how long the record of a connection that is gone stays. A process that was stopped between loading
// and saving must not find the version that it knows on another connection's record.
const tombstoneAge = 24 * time.Hour

// tombstone returns what stays of a connection that is gone: its key.
func (g *grant) tombstone() *grant {
	t := &grant{Key: g.Key, Epoch: g.Epoch, Gone: true, MovedTo: g.MovedTo, Received: g.Received, Departed: g.Departed}
	if g.MovedTo != nil {
		t.Departed = append([]string{g.Epoch}, g.Departed[:min(len(g.Departed), 2)]...)
	}
	return t
}

// due returns when the keep-alive has to look at the connection.
func (g *grant) due(now time.Time, idleLimit time.Duration) time.Time {
	switch {
	case g.Gone:
		return now.Add(tombstoneAge)
	case g.Revoking:
		return now.Add(recheck(g.Failures))
	case g.MovedTo != nil:
		return now.Add(time.Minute)
	case g.Leaving, g.Fault != nil && g.Fault.Kind.Terminal():
		return farFuture
	case g.healsUnseen(now):
		return later(now.Add(recheck(g.Failures)), g.NotBefore)
	}
	// Spread over a fifth of the limit, by the epoch, so that a fleet that was connected in one night is not refreshed in
	// one: less than a hundredth of it an hour.
	sum := sha256.Sum256([]byte(g.Epoch))
	share := float64(binary.BigEndian.Uint32(sum[:])) / (1 << 32)
	due := g.RefreshedAt.Add(time.Duration(float64(idleLimit) * (0.6 + share/5)))
	if due.Before(now) { // it has been tried
		pause := recheck(g.Failures)
		if g.status(now) == StatusBroken {
			pause = recheckBroken
		}
		due = now.Add(max(min(pause, idleLimit/20), time.Minute))
	}
	return later(due, g.NotBefore)
}

// healsUnseen reports whether an admin's switch may have ended the suspension without a call that would show it. Fresh
// sessions that are refused are not told by a refresh, which succeeds.
func (g *grant) healsUnseen(now time.Time) bool {
	return g.Fault != nil && g.Fault.Kind != KindFreshRefused && g.status(now) == StatusSuspended
}

const (
	recheckMost   = time.Hour      // the keep-alive asks about what is refused at least so often,
	recheckBroken = 24 * time.Hour // and so often where only an admin's work in Fullcast helps
)

// recheck is how long the keep-alive leaves a connection alone that has failed so often in a row.
func recheck(failures int) time.Duration { return min(time.Minute<<min(failures, 10), recheckMost) }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func hostOf(origin string) string { return origin[len("https://"):] }
