package policy

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// differences says how the set got differs from the set want; empty when it does not.
func differences(got, want []string) string {
	var parts []string
	say := func(what string, members []string) {
		if len(members) > 0 {
			parts = append(parts, named(what, members))
		}
	}
	var missing, foreign, extra, twice []string
	wants := setOf(want)
	pages := pagesOf(want)
	seen := make(map[string]bool, len(got))
	for _, g := range got {
		switch {
		case seen[g]:
			twice = append(twice, g)
		case wants[g]:
		case pages.ofAnotherHost(g):
			foreign = append(foreign, g)
		default:
			extra = append(extra, g)
		}
		seen[g] = true
	}
	for _, w := range want {
		if !seen[w] {
			missing = append(missing, w)
		}
	}
	say("missing", missing)
	say("of another instance", foreign)
	say("not wanted", extra)
	say("listed twice", twice)
	return strings.Join(parts, "; ")
}

// unwanted is the first member of a list, as metadata has it, that should not be there, or not a second time; empty where there
// is none.
func (f field) unwanted(spec metadata.AppSpec, want []string) string {
	members := f.want(spec)
	text := members
	if f.name == "Scopes" {
		members, text = nil, nil
		for _, scope := range spec.Scopes {
			members, text = append(members, scope.Label()), append(text, string(scope))
		}
	}
	wants, seen := setOf(want), map[string]bool{}
	for i, member := range members {
		if !wants[member] || seen[member] {
			return text[i]
		}
		seen[member] = true
	}
	return ""
}

// named is what there is to say of the members of a list, of which it names the first ones.
func named(what string, members []string) string {
	if n := len(members); n > maxNamed {
		members = append(members[:maxNamed:maxNamed], fmt.Sprintf("and %d more", n-maxNamed))
	}
	return what + " " + strings.Join(members, ", ")
}

// maxNamed is how many members of a list a sentence names. The instructions have at most 12.
const maxNamed = 40

func setOf(members []string) map[string]bool {
	set := make(map[string]bool, len(members))
	for _, m := range members {
		set[m] = true
	}
	return set
}

// pages are URLs by their path: a host, and another one where there are several.
type pages map[string][2]string

func pagesOf(urls []string) pages {
	all := make(pages, len(urls))
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil {
			continue
		}
		hosts, known := all[u.Path]
		switch {
		case !known:
			hosts = [2]string{u.Host, u.Host}
		case u.Host != hosts[0]:
			hosts[1] = u.Host
		}
		all[u.Path] = hosts
	}
	return all
}

// ofAnotherHost tells whether a URL is the same page of another host.
func (p pages) ofAnotherHost(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return false
	}
	hosts, known := p[u.Path]
	return known && (hosts[0] != u.Host || hosts[1] != u.Host)
}
