package crew

// Tally counts results, and keeps as many errors as somebody may read.
type Tally[K comparable] struct {
	Done   int       // results
	Failed int       // of those, errors
	Kinds  map[K]int // of those, by kind
	Errs   []error   // of those, the first ones, and the first one of each kind
}

// Kept is how many errors a [Tally] keeps, and one more of each kind that is not among them.
const Kept = 100

// Add counts one result of a kind; nil is success.
func (t *Tally[K]) Add(kind K, err error) {
	t.Done++
	if err == nil {
		return
	}
	t.Failed++
	if t.Kinds == nil {
		t.Kinds = map[K]int{}
	}
	if t.Kinds[kind]++; t.Kinds[kind] == 1 || len(t.Errs) < Kept {
		t.Errs = append(t.Errs, err)
	}
}
