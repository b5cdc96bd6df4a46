package oauthflow

import (
	"slices"
	"time"
)

// Status is the state of a connection.
type Status string

// States of a connection.
const (
	StatusActive        Status = "active"
	StatusInDoubt       Status = "in doubt"      // a refresh was sent and its answer is not known yet
	StatusSuspended     Status = "suspended"     // Salesforce refuses for a reason that an admin's switch heals
	StatusBroken        Status = "broken"        // only a new authorization helps
	StatusDisconnecting Status = "disconnecting" // the revocation is not confirmed yet
)

// Connection is what is known of a connection, without its secrets: a snapshot that does not change.
type Connection struct {
	Key         Key
	Kind        string // kind of app, as in [Client]
	Host        Host
	ConsumerKey string
	NextKey     string // consumer key given to SetClient that has not worked yet; empty when there is none
	Status      Status
	Fault       *Error // why the connection is not active; nil when it is

	InstanceURL string // origin for API calls; empty until the first refresh of an adopted connection
	IdentityURL string
	OrgID       string // 18 characters
	UserID      string // 18 characters
	Scopes      []string

	ConnectedAt time.Time // when it was authorized or adopted
	RefreshedAt time.Time // when its tokens were last replaced
}

func (g *grant) connection(now time.Time) Connection {
	c := g.Client.client()
	conn := Connection{
		Key: g.Key, Kind: c.Kind, Host: c.Host, ConsumerKey: c.ID, Status: g.status(now), Fault: g.fault(),
		InstanceURL: g.InstanceURL, IdentityURL: g.IdentityURL, OrgID: g.OrgID, UserID: g.UserID,
		Scopes: slices.Clone(g.Scopes), ConnectedAt: g.ConnectedAt, RefreshedAt: g.RefreshedAt,
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
	case g.Fault != nil && g.Fault.Kind.Terminal():
		return StatusBroken
	case g.Fault != nil:
		return StatusSuspended
	case g.Intent != nil && now.Sub(g.Intent.At) > g.Intent.Lease:
		return StatusInDoubt
	}
	return StatusActive
}

// fault returns the shared refusal as an error, or nil.
func (g *grant) fault() *Error {
	if g.Fault == nil {
		return nil
	}
	f := g.Fault
	e := &Error{Op: f.Op, Host: g.Client.Host, Code: f.Code, Description: f.Description, Kind: f.Kind, Status: f.Status}
	if f.Lost {
		e.Err = errOutcomeLost
	}
	return e
}
