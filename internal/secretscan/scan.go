// Package secretscan finds secrets in text that others wrote: by the name that stands beside one, by a form of its own, or by
// its value where that is known. A secret that has neither name nor form, or reads as a word, cannot be told from other text.
//
// Names, forms and words are data: tables in name.go, shape.go and value.go. Every text is looked at as it is, as it reads
// (full-width letters, characters of no width), and with its encodings undone.
package secretscan

import (
	"slices"
	"strings"
)

// Known is what is known of the app that a text belongs to. The zero Known knows nothing.
type Known struct {
	Secrets []string // values of its secrets
	HasKey  bool     // it has a consumer key, so that what looks like its secret is one
}

// In says what secret a text holds, as the end of a sentence; "" for none. A text that only speaks of secrets holds none. It
// takes time in proportion to the length of the text.
func (k Known) In(text string) string {
	what := ""
	eachView(text, func(view string) bool {
		k.each(view, func(_, _ int, found string) bool {
			what = found
			return false
		})
		return what == ""
	})
	return what
}

// May is the same for a text that may be left out in doubt: it reports whether it holds a secret, or speaks of one and has
// a word that may be one.
func (k Known) May(text string) bool {
	may := false
	eachView(text, func(view string) bool {
		may = k.mayView(view)
		return !may
	})
	return may
}

func (k Known) mayView(view string) bool {
	may := false
	hit := func() bool {
		may = true
		return false
	}
	k.each(view, func(_, _ int, _ string) bool { return hit() })
	if may {
		return true
	}
	eachNamed(view, func(n named) bool { return n.sign < assigned || tellsNone(view[n.from:n.to]) || hit() })
	if may {
		return true
	}
	speaks, tells := false, false
	for w := range strings.FieldsFuncSeq(view, func(r rune) bool { return strings.ContainsRune(" \t\r\n<>\"'()=,;", r) }) {
		speaks = speaks || Names(w)
		tells = tells || degreeOf(w) >= opaque
	}
	return speaks && tells
}

// each calls found for each secret in a view, in no order, until it returns false.
func (k Known) each(view string, found func(from, to int, what string) bool) {
	going := true
	tell := func(from, to int, what string) bool {
		going = going && found(from, to, what)
		return going
	}
	for _, s := range k.Secrets {
		if i := strings.Index(view, s); i >= 0 && !tell(i, i+len(s), "the value of a secret of the app") {
			return
		}
	}
	eachShape(view, tell)
	if going && (k.HasKey || strings.Contains(view, consumerKey)) {
		eachBesideKey(view, tell)
	}
	for _, find := range [...]func(string, func(named) bool){eachNamed, eachCell} {
		if going {
			find(view, func(n named) bool {
				return !n.counts() || tell(n.from, n.to, "what looks like a secret, a name such as password with its value")
			})
		}
	}
}

// Mask returns a text with "…" for each secret in it that [Known.In] would tell. Where one is found only after encodings are
// undone, the text is returned as it then reads.
func (k Known) Mask(text string) string {
	shown := k.mask(text)
	view := shown
	for round := range rounds + 1 {
		next := nextView(view, round)
		if next == view && round > 0 {
			break
		} else if next == view {
			continue
		}
		if view = k.mask(next); view != next {
			shown = view
		}
	}
	return shown
}

func (k Known) mask(view string) string {
	type place struct{ from, to int }
	var places []place
	k.each(view, func(from, to int, _ string) bool {
		places = append(places, place{from, to})
		return true
	})
	if len(places) == 0 {
		return view
	}
	slices.SortFunc(places, func(a, b place) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, p := range places {
		if p.to <= at {
			continue
		}
		if p.from >= at {
			b.WriteString(view[at:p.from])
			b.WriteString("…")
		}
		at = p.to
	}
	b.WriteString(view[at:])
	return b.String()
}
