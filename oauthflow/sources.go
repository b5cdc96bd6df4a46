package oauthflow

import (
	"hash/maphash"
	"sync"
)

// sources are a manager's, by their keys. While anybody holds a source there is no other of its key. That of a connection
// that exists is kept, whether anybody holds it or not; that of any other key is given back once nobody does, so that asking
// for keys that mean nothing takes no memory.
type sources struct {
	seed   maphash.Seed
	shards [64]shard // so that requests of different connections seldom meet
	ended  ended
}

type shard struct {
	mu    sync.RWMutex
	kept  map[Key]*Source
	loose held[Key, Source] // those that are not kept
}

// ended are the sources of the connections that ended last. What a process knows of them still counts when a failover of the
// store brings one back.
type ended struct {
	mu   sync.Mutex
	last [512]*Source
	next int
}

func newSources() sources { return sources{seed: maphash.MakeSeed()} }

func (all *sources) at(k Key) *shard {
	return &all.shards[maphash.Comparable(all.seed, k)%uint64(len(all.shards))]
}

// of returns the source of a key, which is made if there is none. One of a key that no connection can have is its caller's
// alone.
func (all *sources) of(k Key, m *Manager) *Source {
	sh := all.at(k)
	sh.mu.RLock()
	s := sh.kept[k]
	sh.mu.RUnlock()
	if s != nil {
		return s
	}
	if k.validate(opRequest) != nil {
		return &Source{m: m, key: k}
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s = sh.known(k); s == nil {
		s = &Source{m: m, key: k}
		sh.loose.put(k, s)
	}
	return s
}

// known returns the source of a key if there is one.
func (all *sources) known(k Key) *Source {
	sh := all.at(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.known(k)
}

// known returns the source of a key if it is kept or anybody holds it. The lock is held.
func (sh *shard) known(k Key) *Source {
	if s := sh.kept[k]; s != nil {
		return s
	}
	return sh.loose.get(k)
}

// keep keeps the source of a connection that exists.
func (all *sources) keep(s *Source) {
	if s.kept.Load() {
		return
	}
	sh := all.at(s.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.kept.Load() {
		return
	}
	if sh.kept == nil {
		sh.kept = map[Key]*Source{}
	}
	sh.kept[s.key] = s
	sh.loose.remove(s.key)
	s.kept.Store(true)
}

// drop keeps the source no longer: its connection has ended. Those who hold it go on with it.
func (all *sources) drop(s *Source) {
	if !s.kept.Load() {
		return
	}
	sh := all.at(s.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !s.kept.Load() || s.view.Load() != nil { // it was connected again meanwhile
		return
	}
	delete(sh.kept, s.key)
	if len(sh.kept) == 0 {
		sh.kept = nil
	}
	sh.loose.put(s.key, s)
	s.kept.Store(false)
	all.ended.add(s)
}

func (e *ended) add(s *Source) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last[e.next] = s
	e.next = (e.next + 1) % len(e.last)
}

// forgetSource keeps nothing any more of a connection that does not exist.
func (m *Manager) forgetSource(k Key) {
	if s := m.sources.known(k); s != nil {
		s.publish(nil)
		m.sources.drop(s)
	}
	m.usage.forget(k)
	id := k.recordID()
	m.doubted.Delete(id)
	m.foreign.Delete(id)
	m.ahead.Delete(id)
}
