package oauthflow

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
)

// sources are a manager's, by their keys. While anybody holds a source there is no other of its key. That of a connection
// that exists is kept, whether anybody holds it or not; that of any other key is given back once nobody does, so that asking
// for keys that mean nothing takes no memory.
//
// There may be a million connections, and every request looks one up. So readers take no lock, and one more costs about two
// pointers: a map from keys would hold each key a second time, and takes 100 bytes for one of a million.
type sources struct {
	seed   maphash.Seed
	gone   *Source   // stands where a source was taken out
	shards [64]shard // so that none takes long to grow
	ended  ended
}

type shard struct {
	slots atomic.Pointer[slots] // nil as long as there is none
	mu    sync.Mutex            // held for changes
	used  int                   // slots that are not free, also where a source was taken out
	live  int                   // sources that are kept
	loose held[Key, Source]     // those that are not kept
}

// slots is a hash table. A source whose slot is another's is in the next one that was free.
type slots []atomic.Pointer[Source]

// ended are the sources of the connections that ended last. What a process knows of them still counts when a failover of the
// store brings one back.
type ended struct {
	mu   sync.Mutex
	last [512]*Source
	next int
}

func newSources() sources { return sources{seed: maphash.MakeSeed(), gone: new(Source)} }

func (all *sources) at(k Key) (hash uint64, sh *shard) {
	hash = maphash.Comparable(all.seed, k)
	return hash, &all.shards[hash%uint64(len(all.shards))]
}

// of returns the source of a key, which is made if there is none. One of a key that no connection can have is its caller's
// alone.
func (all *sources) of(k Key, m *Manager) *Source {
	hash, sh := all.at(k)
	if s := sh.kept(hash, k); s != nil {
		return s
	}
	if k.validate(opRequest) != nil {
		return &Source{m: m, key: k}
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s := sh.known(hash, k)
	if s == nil {
		s = &Source{m: m, key: k}
		sh.loose.put(k, s)
	}
	return s
}

// known returns the source of a key if there is one.
func (all *sources) known(k Key) *Source {
	hash, sh := all.at(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.known(hash, k)
}

// keep keeps the source of a connection that exists.
func (all *sources) keep(s *Source) {
	if s.kept.Load() {
		return
	}
	hash, sh := all.at(s.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.kept.Load() {
		return
	}
	t := sh.slots.Load()
	if t == nil || (sh.used+1)*8 > len(*t)*5 { // fuller, look-ups would take long
		t = sh.rebuild(all.seed)
	}
	_, free := t.find(hash, s.key)
	(*t)[free].Store(s)
	sh.used++
	sh.live++
	sh.loose.remove(s.key)
	s.kept.Store(true)
}

// drop keeps the source no longer: its connection has ended. Those who hold it go on with it.
func (all *sources) drop(s *Source) {
	if !s.kept.Load() {
		return
	}
	hash, sh := all.at(s.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !s.kept.Load() || s.view.Load() != nil { // it was connected again meanwhile
		return
	}
	t := sh.slots.Load()
	_, at := t.find(hash, s.key)
	(*t)[at].Store(all.gone)
	sh.live--
	sh.loose.put(s.key, s)
	s.kept.Store(false)
	if len(*t) > 64 && sh.live*8 < len(*t) {
		sh.rebuild(all.seed)
	}
	all.ended.add(s)
}

func (e *ended) add(s *Source) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last[e.next] = s
	e.next = (e.next + 1) % len(e.last)
}

// kept returns the source of a key if it is kept.
func (sh *shard) kept(hash uint64, k Key) *Source {
	t := sh.slots.Load()
	if t == nil {
		return nil
	}
	s, _ := t.find(hash, k)
	return s
}

// known returns the source of a key if it is kept or anybody holds it. The lock is held.
func (sh *shard) known(hash uint64, k Key) *Source {
	if s := sh.kept(hash, k); s != nil {
		return s
	}
	return sh.loose.get(k)
}

// find returns the source of a key and where it is, or nil and where it is to be.
func (t *slots) find(hash uint64, k Key) (*Source, uint64) {
	all := *t
	at, _ := bits.Mul64(hash, uint64(len(all)))
	for {
		s := all[at].Load()
		if s == nil || s.key == k && s.m != nil { // one without a manager was taken out
			return s, at
		}
		if at++; at == uint64(len(all)) {
			at = 0
		}
	}
}

// rebuild makes a table with room for a third more sources than there are, without places of those that were taken out.
// Readers go on with the old one meanwhile, and miss nothing: who finds no source there looks again under the lock, which is
// held here.
func (sh *shard) rebuild(seed maphash.Seed) *slots {
	more := make(slots, sh.live*32/15+4)
	if t := sh.slots.Load(); t != nil {
		for i := range *t {
			if s := (*t)[i].Load(); s != nil && s.m != nil {
				_, at := more.find(maphash.Comparable(seed, s.key), s.key)
				more[at].Store(s)
			}
		}
	}
	sh.used = sh.live
	sh.slots.Store(&more)
	return &more
}

// forgetSource keeps nothing any more of a connection that does not exist.
func (m *Manager) forgetSource(k Key) {
	if s := m.sources.known(k); s != nil {
		s.publish(nil)
		m.sources.drop(s)
	}
	id := k.recordID()
	m.doubted.Delete(id)
	m.foreign.Delete(id)
	m.ahead.Delete(id)
}
