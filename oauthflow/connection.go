package oauthflow

import (
	"slices"
	"time"
)

// Status is the state of a connection.
type Status string

// States of a connection. [ErrorKind.Status] says which refusal makes which.
const (
	StatusActive        Status = "active"
	StatusInDoubt       Status = "in doubt"      // a refresh was sent and its answer is not known yet
	StatusSuspended     Status = "suspended"     // Salesforce refuses for a reason that an admin's switch heals; it then heals by itself, see [Manager.KeepAlive] and [Source.Transport]
	StatusBroken        Status = "broken"        // nothing is left that can be done without the org's admin: a new authorization, or new credentials
	StatusDisconnecting Status = "disconnecting" // the revocation is not confirmed yet
)

// Status returns what a refresh that ends with k makes of its connection, whatever the kind of its app.
//
// Broken: the grant is dead, consumer key or secret were changed, the app or the org is gone, another org or user answers.
// While an app is so new that Salesforce may not know it everywhere, a missing app suspends only. Salesforce deletes no
// user: one who is deactivated or frozen comes back by an admin's switch, and suspends. So does an app that is blocked;
// unblocking does not bring its tokens back, and the connection is found to be broken then.
//
// Active: nothing is known against the connection itself. Salesforce's unavailability (429, 503) is its host's, for which
// all its connections wait together.
//
// What API calls are refused for does not come from a refresh, and suspends whatever its kind: the API is switched off, the
// org's API requests are used up, or the org is in maintenance. See [Source.Transport].
func (k ErrorKind) Status() Status {
	switch k {
	case KindGrantDead, KindClient, KindAppMissing, KindOrgGone, KindOrgChanged, KindUserChanged:
		return StatusBroken
	case KindInDoubt, KindBadAnswer:
		return StatusInDoubt
	case KindInvalid, KindDenied, KindAppPolicy, KindUserPolicy, KindIPRestricted, KindRedirect, KindScope, KindPKCE,
		KindFreshRefused, KindLimit, KindSession, KindIDToken, KindNoRefresh:
		return StatusSuspended
	}
	return StatusActive
}

// Connection is what is known of a connection, without its secrets: a snapshot that does not change.
type Connection struct {
	Key         Key
	Kind        AppKind // as in [Client]; never empty
	Host        Host    // login host, as it was given
	TokenHost   Host    // where token requests go, since Host has redirected them; zero when they go to Host
	ConsumerKey string
	NextKey     string // consumer key given to SetClient that has not worked yet; empty when there is none
	Status      Status
	Fault       *Error // why the connection is not active; nil when it is. Its Op is "request" where API calls alone are refused

	InstanceURL string // origin for API calls; empty until the first refresh of an adopted connection
	IdentityURL string
	OrgID       string // 18 characters
	UserID      string // 18 characters
	Scopes      []string

	ConnectedAt time.Time // when it was authorized or adopted
	RefreshedAt time.Time // when its tokens were last replaced

	IdlePeriod time.Duration // what [Manager.SetIdlePeriod] has stored, less than 30 days; 0 when the app's policy ends nothing sooner
}

func (g *grant) connection(now time.Time) Connection {
	c := g.Client.client()
	conn := Connection{
		Key: g.Key, Kind: c.Kind, Host: c.Host, TokenHost: Host{g.TokenHost}, ConsumerKey: c.ID, Status: g.status(now), Fault: g.reason(now),
		InstanceURL: g.InstanceURL, IdentityURL: g.IdentityURL, OrgID: g.OrgID, UserID: g.UserID,
		Scopes: slices.Clone(g.Scopes), ConnectedAt: g.ConnectedAt, RefreshedAt: g.RefreshedAt,
		IdlePeriod: g.IdlePeriod,
	}
	if g.Next != nil {
		conn.NextKey = g.Next.ID
	}
	return conn
}

func (g *grant) status(now time.Time) Status {
	switch {
	case g.Revoking:
		return StatusDisconnecting
	case g.Fault != nil && g.Fault.Kind == KindAppMissing && spreading(g.Client.Created, now):
		return StatusSuspended
	case g.Fault != nil && g.Fault.Kind.Status() == StatusBroken:
		return StatusBroken
	case g.Fault != nil:
		return StatusSuspended
	case g.Intent != nil && now.Sub(g.Intent.At) > g.Intent.Lease:
		return StatusInDoubt
	case g.apiFault(now) != nil:
		return StatusSuspended
	}
	return StatusActive
}

// fault returns the shared refusal as an error, as it is to be read now, or nil.
func (g *grant) fault(now time.Time) *Error {
	if g.Fault == nil {
		return nil
	}
	f := g.Fault
	e := &Error{Op: f.Op, Host: g.Client.Host, Code: f.Code, Description: f.Description, Kind: f.Kind, Status: f.Status}
	e.AppIsNew = f.Kind == KindAppMissing && spreading(g.Client.Created, now)
	switch {
	case f.Lost:
		e.Err = errOutcomeLost
	case f.Kind == KindFreshRefused && f.Code == malformedCode:
		e.Err = errFreshJWT
	case f.Kind == KindGrantDead:
		e.Err = g.unused(f)
	case f.Kind == KindOrgChanged:
		e.Err = &StrangerError{f.OrgID, f.UserID, ErrOrgChanged}
	case f.Kind == KindUserChanged:
		e.Err = &StrangerError{f.OrgID, f.UserID, ErrUserChanged}
	}
	g.tellMove(e)
	return e
}
