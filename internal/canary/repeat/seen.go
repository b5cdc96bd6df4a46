package repeat

import "iter"

// Seen are the values that a test has looked at. The zero Seen is empty.
type Seen struct {
	Values int // all but nil ones
	texts  map[string]bool
}

// Fresh counts the values that are not nil, and yields those that show something new, each with what it shows.
func (s *Seen) Fresh(values []any) iter.Seq2[any, string] {
	return func(yield func(any, string) bool) {
		for _, v := range values {
			if v == nil {
				continue
			}
			s.Values++
			text := Shown(v)
			if s.texts[text] {
				continue
			}
			if s.texts == nil {
				s.texts = map[string]bool{}
			}
			s.texts[text] = true
			if !yield(v, text) {
				return
			}
		}
	}
}
