package fullcast

import (
	"net/http"
	"strings"
)

// speculative reports whether a browser, or what stands before it, loads a page that nobody has opened yet: a prefetch, a
// prerender, a preview. Such a request must not spend a login: its answer may never be shown.
//
// Source: Fetch Standard, "Sec-Purpose"; the older Purpose (Chrome, Safari), X-Purpose (Safari's preview) and X-Moz
// (Firefox).
func speculative(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, value := range r.Header.Values(name) {
			for item := range strings.FieldsFuncSeq(value, func(c rune) bool { return strings.ContainsRune(",; \t", c) }) {
				switch strings.ToLower(item) {
				case "prefetch", "prerender", "preview":
					return true
				}
			}
		}
	}
	return false
}

// decline answers a request that must not spend a login, and is not to be kept as the answer to one that may.
func decline(w http.ResponseWriter) {
	quiet(w)
	w.WriteHeader(http.StatusNoContent)
}
