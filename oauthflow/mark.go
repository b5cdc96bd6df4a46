package oauthflow

import "github.com/fullcast/sfauth/oauthflow/tokenstore"

// mark is the newest state of a connection that a process has known, so that a store that falls back behind it is noticed.
type mark struct {
	version    uint64
	generation uint64
	epoch      tag
	replaced   tag // an epoch that another one has taken the place of
}

// over is a mark of another state, after m.
func (m mark) over(version uint64, g *grant) mark {
	next := mark{version, g.Generation, tagOf(g.Epoch), m.replaced}
	if m.epoch != next.epoch {
		next.replaced = m.epoch
	}
	if next.replaced == next.epoch {
		next.replaced = tag{}
	}
	return next
}

// superseded reports whether g is of an epoch that another one has taken the place of. Its versions say nothing: those of a record
// begin again when it is gone.
func (m mark) superseded(g *grant) bool { return m.replaced != tag{} && m.replaced == tagOf(g.Epoch) }

// see notes a state that the store holds. Within an epoch a smaller generation is never the newer one, whatever has been saved
// over it since. A later epoch of a smaller version is that of a record that was gone meanwhile, or the store was restored: which
// one, a refresh shows, and until then neither epoch is trusted.
func (s *Source) see(r tokenstore.Record, g *grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch same := tagOf(g.Epoch) == s.mark.epoch; {
	case s.mark.superseded(g):
	case same && g.Generation >= s.mark.generation, !same && r.Version > s.mark.version:
		s.mark = s.mark.over(r.Version, g)
	case !same:
		s.mark.replaced = s.mark.epoch
	}
}

// proved notes a state that a refresh has just made.
func (s *Source) proved(r tokenstore.Record, g *grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark = s.mark.over(r.Version, g)
}

// installed notes that this process has made g the connection, in place of what was known.
func (s *Source) installed(g *grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark = s.mark.over(s.mark.version, g)
}

// inherit takes over what another source knows of an epoch that has been moved here.
func (s *Source) inherit(from *Source) {
	from.mu.Lock()
	known := from.mark
	from.mu.Unlock()
	known.version = 0
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mark.epoch != known.epoch {
		known.replaced = s.mark.epoch
	}
	s.mark = known
}

// superseded reports whether this process has seen another epoch take the place of g's. No token of it is handed out before
// Salesforce has confirmed it.
func (s *Source) superseded(g *grant) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mark.superseded(g)
}

// rolledBack reports whether the record is older than what this process has seen, or from before a restoration that
// the operator has announced.
func (s *Source) rolledBack(r tokenstore.Record, g *grant) bool {
	if g.StoreEpoch != s.m.cfg.StoreEpoch {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.mark.superseded(g):
		return true
	case tagOf(g.Epoch) == s.mark.epoch:
		return g.Generation < s.mark.generation
	}
	return r.Version < s.mark.version
}
