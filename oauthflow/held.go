package oauthflow

import "weak"

// held finds the one value of each key that anybody still holds, without keeping it: a value that nobody holds any more is
// gone, and what it took is given back. Its owner locks. The zero value is ready.
type held[K comparable, V any] struct {
	all   map[K]weak.Pointer[V]
	prune int // entries from which on those without a value are taken out
}

// heldLeast is how many entries may wait for being taken out.
const heldLeast = 16

// get returns the value of a key, or nil.
func (h *held[K, V]) get(k K) *V { return h.all[k].Value() }

// put notes the value of a key, which its caller holds.
func (h *held[K, V]) put(k K, v *V) {
	if h.all == nil || len(h.all) >= h.prune {
		live := map[K]weak.Pointer[V]{} // a map that had many entries would keep their memory
		for k, p := range h.all {
			if p.Value() != nil {
				live[k] = p
			}
		}
		h.all, h.prune = live, max(2*len(live), heldLeast)
	}
	h.all[k] = weak.Make(v)
}

// remove forgets a key.
func (h *held[K, V]) remove(k K) { delete(h.all, k) }
