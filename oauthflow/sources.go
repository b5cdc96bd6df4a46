package oauthflow

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
)

// sources are a manager's, by their keys; none is ever taken out. There may be a million of them, and every request looks
// one up. So readers take no lock, and one more costs about two pointers: a map from keys would hold each key a second
// time, and takes 100 bytes for one of a million.
type sources struct {
	seed   maphash.Seed
	shards [64]shard // so that none takes long to grow
}

type shard struct {
	slots atomic.Pointer[slots] // nil as long as there is none
	mu    sync.Mutex            // for whoever adds one
	n     int
}

// slots is a hash table. A source whose slot is another's is in the next one that was free.
type slots []atomic.Pointer[Source]

// of returns the source of a key, which is made if there is none.
func (all *sources) of(k Key, m *Manager) *Source {
	hash := maphash.Comparable(all.seed, k)
	sh := &all.shards[hash%uint64(len(all.shards))]
	if t := sh.slots.Load(); t != nil {
		if s, _ := t.find(hash, k); s != nil {
			return s
		}
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := sh.slots.Load()
	if t == nil || (sh.n+1)*8 > len(*t)*5 { // fuller, look-ups would take long
		t = t.grown(all.seed)
		sh.slots.Store(t)
	}
	s, at := t.find(hash, k)
	if s == nil {
		s = &Source{m: m, key: k}
		(*t)[at].Store(s)
		sh.n++
	}
	return s
}

// find returns the source of a key, or nil and where it is to be.
func (t *slots) find(hash uint64, k Key) (*Source, uint64) {
	all := *t
	at, _ := bits.Mul64(hash, uint64(len(all)))
	for {
		s := all[at].Load()
		if s == nil || s.key == k {
			return s, at
		}
		if at++; at == uint64(len(all)) {
			at = 0
		}
	}
}

// grown returns a copy with a third more room. Readers go on with the old one meanwhile, and miss nothing: who finds no
// source there looks again under the lock.
func (t *slots) grown(seed maphash.Seed) *slots {
	if t == nil {
		first := make(slots, 4)
		return &first
	}
	more := make(slots, len(*t)*4/3+1)
	for i := range *t {
		if s := (*t)[i].Load(); s != nil {
			_, at := more.find(maphash.Comparable(seed, s.key), s.key)
			more[at].Store(s)
		}
	}
	return &more
}
