package scrub

// gramTable finds which of many short strings, all of one length, stand in a text. A filter over a rolling hash passes over
// nearly every place of a text that holds none, so that a search costs the same for a token of 100 bytes and one of 16 KiB.
type gramTable[V any] struct {
	size   int
	filter [filterWords]uint64
	at     map[string]V
}

// newGramTable returns a table of strings of one size, of which about so many are to be put in.
func newGramTable[V any](size, about int) *gramTable[V] {
	return &gramTable[V]{size: size, at: make(map[string]V, about)}
}

const (
	hashBase    = 0x9E3779B1 // odd, so that every byte counts
	filterWords = 1 << 8
)

func hashOf(s string) (h uint32) {
	for i := range len(s) {
		h = h*hashBase + uint32(s[i])
	}
	return h
}

// bit returns the filter's word and bit of a hash.
func bit(h uint32) (word uint32, mask uint64) {
	h ^= h >> 15
	return h >> 6 & (filterWords - 1), 1 << (h & 63)
}

// put notes a string of the table's size.
func (t *gramTable[V]) put(gram string, v V) {
	word, mask := bit(hashOf(gram))
	t.filter[word] |= mask
	t.at[gram] = v
}

// find calls found with each place of text where one of the strings stands, until found returns true, which find then returns.
func (t *gramTable[V]) find(text string, found func(at int, v V) bool) bool {
	if len(t.at) == 0 || len(text) < t.size {
		return false
	}
	leading := uint32(1) // hashBase to the power of size-1
	for range t.size - 1 {
		leading *= hashBase
	}
	h := hashOf(text[:t.size])
	for at := 0; ; at++ {
		if word, mask := bit(h); t.filter[word]&mask != 0 {
			if v, ok := t.at[text[at:at+t.size]]; ok && found(at, v) {
				return true
			}
		}
		if at+t.size == len(text) {
			return false
		}
		h = (h-leading*uint32(text[at]))*hashBase + uint32(text[at+t.size])
	}
}
