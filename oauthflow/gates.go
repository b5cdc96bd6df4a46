package oauthflow

import "sync"

// gates are a manager's, by login host. Any org may have a host of its own, so that only some are kept: one that is not, and
// that nobody uses, is given back. What is lost with it is learned again, or stands in the store.
type gates struct {
	silence *silence

	mu    sync.RWMutex
	kept  map[string]*gate
	loose held[string, gate] // those that are not kept, while anybody uses them
}

// maxGates is how many hosts' gates are kept, beside the generic ones.
const maxGates = 1024

func newGates(s *silence) gates { return gates{silence: s, kept: map[string]*gate{}} }

// of returns the gate of a host. While anybody uses it there is no other of that host.
func (all *gates) of(host string) *gate {
	all.mu.RLock()
	g := all.kept[host]
	all.mu.RUnlock()
	if g != nil {
		return g
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if g = all.kept[host]; g != nil {
		return g
	}
	if g = all.loose.get(host); g == nil {
		g = &gate{places: newPlaces(perHost, perTenant, all.silence)}
	}
	for other, out := range all.kept {
		if len(all.kept) < maxGates {
			break
		}
		if !(Host{other}).Generic() {
			delete(all.kept, other)
			all.loose.put(other, out)
		}
	}
	all.kept[host] = g
	all.loose.remove(host)
	return g
}

func (m *Manager) gate(host string) *gate { return m.gates.of(host) }
