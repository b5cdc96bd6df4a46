package policy

import "regexp"

// What of a URL may be a secret: the user and password before the host, and the values of parameters.
var (
	inAuthority  = regexp.MustCompile(`(:/+)[^/?#\s"<>]*@`)
	inParameters = regexp.MustCompile(`([?&#][^\s=&#?"<>]*=)[^\s&#"<>]+`)
)

// conceal takes out of a text what URLs in it may hold of secrets. Comparisons are made before.
func conceal(text string) string {
	return inParameters.ReplaceAllString(inAuthority.ReplaceAllString(text, "${1}…@"), "${1}…")
}
