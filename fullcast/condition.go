package fullcast

import "github.com/fullcast/sfauth/oauthflow"

// Condition groups connections by who can go on with them, for a [Filter]. It is decided from what is stored; no request is
// made. A connection may be in neither: one that Salesforce refuses for a while, or that is being disconnected.
type Condition string

// Conditions of a connection.
const (
	// Usable is the condition of a connection that can be called: it is active, or in doubt, and its access token serves.
	Usable Condition = "usable"

	// NeedsAdmin is the condition of a connection that stays as it is until an admin of the org acts: the actor of its
	// remedy, which [RemedyOf] returns, is [ActorAdmin].
	NeedsAdmin Condition = "needs an admin"
)

// holds reports whether a connection is in the condition; every connection is in the zero one.
func (d Condition) holds(c oauthflow.Connection) bool {
	switch d {
	case "":
		return true
	case Usable:
		return c.Status == oauthflow.StatusActive || c.Status == oauthflow.StatusInDoubt
	case NeedsAdmin:
		return c.Status != oauthflow.StatusDisconnecting && RemedyOf(c).Actor() == ActorAdmin
	}
	return false
}

// known reports whether the condition is one, or none.
func (d Condition) known() bool { return d == "" || d == Usable || d == NeedsAdmin }
