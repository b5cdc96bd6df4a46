// Package callback tells an authorization response on a callback page from any other request.
package callback

import (
	"net/url"
	"slices"
	"strings"
)

// IsPage reports whether a path is that of one of the callback URLs of a Site.
func IsPage(site string, urls []string, path string) bool { return slices.Contains(urls, site+path) }

// HasAnswer reports whether a query has a parameter that only an authorization response has on a callback page, also where
// [url.ParseQuery] would drop the pair: the code must not go on to the page in any form.
func HasAnswer(query string) bool {
	for pair := range strings.FieldsFuncSeq(query, func(c rune) bool { return c == '&' || c == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if name == "code" || name == "error" {
			return true
		}
	}
	return false
}
