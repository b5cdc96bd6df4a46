package oauthflow

import "time"

// pausing returns whom a host means that asks to be left alone: the tenant whose request it has refused, where the host is a
// generic one, which serves all orgs. It may do so because of that tenant's org alone, which is in maintenance or has too
// many requests, and the others must not wait for that. Where it means everybody, each tenant meets it with one request, and
// [gate.pause] limits them. Any other host is of one org: "" means everybody.
func pausing(host, tenant string) string {
	if (Host{host}).Generic() {
		return tenant
	}
	return ""
}

// asked returns until when the host asks whom to leave it alone, as this process knows.
func (g *gate) asked(whom string) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pauses[whom]
}

// note keeps until when the host asks whom to leave it alone, and forgets what is over.
func (g *gate) note(whom string, until, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for w, end := range g.pauses {
		if !end.After(now) {
			delete(g.pauses, w)
		}
	}
	if until.After(now) {
		if g.pauses == nil {
			g.pauses = map[string]time.Time{}
		}
		g.pauses[whom] = until
	} else {
		delete(g.pauses, whom)
	}
}

// holdOff keeps this process away from a host until the given time, for other tenants' requests excepted where the host may mean the
// tenant alone. Other processes learn it by a request of their own; those of the same connection by its record.
func (m *Manager) holdOff(host, tenant string, until time.Time) {
	m.gate(host).note(pausing(host, tenant), until, m.flow.now())
}
