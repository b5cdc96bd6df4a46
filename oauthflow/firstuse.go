package oauthflow

import (
	"errors"
	"net/http"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// refusedAtFirstUse counts that Salesforce has refused v's access token at its first use: in the request for which this process
// refreshed the connection, sent at the given time. It returns an error of [KindFreshRefused] where that suspends the connection.
// The count is stored before the caller gets its answer, so that the next refresh in any process finds it. A caller whose context
// ends does not wait.
func (s *Source) refusedAtFirstUse(req *http.Request, v *view, sent time.Time, verdict sessionVerdict) error {
	if !v.made || v.counted.Swap(true) || v.accepted.Load() {
		return nil
	}
	end, err := s.m.begin()
	if err != nil {
		return nil
	}
	counted := make(chan error, 1)
	go func() {
		defer end()
		var err error
		defer func() { counted <- err }()
		defer s.m.contain(&err)
		err = s.m.countFirstUse(s.key, v, sent, verdict)
	}()
	select {
	case err = <-counted:
	case <-req.Context().Done():
	}
	if e := new(Error); errors.As(err, &e) && e.Kind == KindFreshRefused {
		return e
	}
	return nil
}

func (m *Manager) countFirstUse(k Key, v *view, sent time.Time, verdict sessionVerdict) error {
	for range conflictTries {
		r, g, err := m.load(m.ctx, opRefresh, k)
		if err != nil || !g.madeFor(v, sent) {
			return err
		}
		if g.countRefused(); g.Unaccepted >= refusedLimit {
			if err = m.suspendRefused(m.ctx, r, g, verdict == sessionMalformed); err != nil {
				return err
			}
			continue // somebody else has changed the record
		}
		if _, err = m.save(m.ctx, opRefresh, r, g); !errors.Is(err, tokenstore.ErrConflict) {
			return err
		}
	}
	return nil
}

// madeFor reports whether the record still holds v's generation, which nobody has counted, and which was made so short a time before
// the request was sent that no session has ended in between.
func (g *grant) madeFor(v *view, sent time.Time) bool {
	return !g.Revoking && g.MovedTo == nil && g.Access.Reveal() == v.access() && tagOf(g.Epoch) == v.epoch &&
		g.Generation == v.refreshes && g.Counted != g.Generation+1 && sent.Sub(g.RefreshedAt) <= refusedYouth
}
