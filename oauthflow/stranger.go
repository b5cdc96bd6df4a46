package oauthflow

import "errors"

// StrangerError says who has answered in place of the connection's own org or user. It wraps [ErrOrgChanged] or
// [ErrUserChanged].
type StrangerError struct {
	OrgID, UserID string // who has answered; 18 characters each
	sentinel      error
}

// Error names both ids.
func (e *StrangerError) Error() string {
	return e.sentinel.Error() + " (answered: org " + e.OrgID + ", user " + e.UserID + ")"
}

// Unwrap returns the sentinel.
func (e *StrangerError) Unwrap() error { return e.sentinel }

// Sentinels of a [StrangerError].
var (
	ErrOrgChanged  = errors.New("the answer comes from another org than the connection's")
	ErrUserChanged = errors.New("the answer comes from another user than the connection's")
)

// stranger returns [KindOrgChanged] or [KindUserChanged] where a token is not of g's org and user; else nothing.
func (g *grant) stranger(t *Token) ErrorKind {
	switch {
	case g.OrgID != "" && t.OrgID != "" && !sameID(g.OrgID, t.OrgID):
		return KindOrgChanged
	case g.UserID != "" && t.UserID != "" && !sameID(g.UserID, t.UserID):
		return KindUserChanged
	}
	return ""
}
