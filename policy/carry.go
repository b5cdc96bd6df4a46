package policy

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

var listIndex = regexp.MustCompile(`\[\d+\]`)

// unlistedItems says what becomes of everything that no listed field stands for.
func unlistedItems(from metadata.App, to metadata.AppSpec) []Item {
	var items []Item
	elements, places := unlisted(from), placesOf(from)
	for _, k := range order(elements) {
		items = append(items, unlistedItem(k.path, elements[k], to, places))
	}
	strange := unknown(from, "")
	for _, k := range order(strange) {
		items = append(items, Item{Fate: Lost, Field: k.path, Old: "present", Why: "This element is not known; look it up in Setup before the connected app goes."})
	}
	return append(items, Item{
		Fate: Lost, Field: "Consumer Key and Secret", Old: "not shown",
		Why: "A new app gets its own: give them to Fullcast, and authorize again. Setup's own migration keeps both.",
	}, Item{
		Fate: Lost, Field: "Refresh Token IP Allowlist", Old: notVisible,
		Why: "No metadata of a connected app holds it, and Setup's migration does not carry it over: where the connected app has one, enter its ranges in the new app.",
	})
}

// placesOf is where the new app has what the connected app has, by the path in the connected app.
func placesOf(from metadata.App) map[string]carried {
	places := make(map[string]carried, len(carriage))
	for _, c := range carriage {
		places[c.from] = c
	}
	if from.Connected.OAuthConfig == nil && from.Connected.SAMLConfig != nil {
		for _, c := range samlCarriage {
			places[c.from] = c
		}
	}
	return places
}

func unlistedItem(path, value string, to metadata.AppSpec, places map[string]carried) Item {
	item := Item{Fate: Lost, Field: path, Old: value, Why: "External client apps have no place for it that is known; decide whether it is still needed."}
	plain := listIndex.ReplaceAllString(path, "")
	if slices.Contains(files, plain) {
		item.Old = fmt.Sprintf("a file of %d characters in base64", len(value))
	}
	around, _, _ := strings.Cut(plain, "/")
	if why := noPlace[around]; why != "" {
		item.Why = why
		return item
	}
	if plain == "samlConfig/encryptionType" && tripleDES(value) {
		item.Why = "External client apps encrypt by AES alone: choose AES_128 or AES_256 in " + samlPolicies + "/encryptionType."
		return item
	}
	if plain == "startUrl" && to.StartPage != "" && to.StartPage != metadata.StartPageCustom {
		item.Fate, item.New = Changed, "Start Page "+string(to.StartPage)
		item.Why = "Fullcast's instructions say so; the new app would take the URL with Start Page Custom."
		return item
	}
	if c, has := places[plain]; has {
		item.New = value
		if byDefault, documented := defaults[element{c.component, c.to}]; documented && value == byDefault {
			item.Fate, item.Why = Kept, ""
			return item
		}
		if value == "false" { // the notes are about what is on
			c.note = ""
		}
		item.Fate, item.Place = Offered, c.component+"/"+c.to
		item.Why = strings.TrimSpace("Fullcast's instructions leave it alone, so the new app starts without it; the admin decides. " + c.note)
	}
	return item
}

// offers are the elements of the new app that would hold what the wanted app does not list.
func (f field) offers(at place, from metadata.AppSpec) []Item {
	only := metadata.AppSpec{Kind: metadata.KindExternalClientApp}
	f.copy(&only, from)
	var items []Item
	component := reflect.ValueOf(Subject{App: only.New()}.component(at.part)).Elem()
	values("", component, func(path string, _ reflect.StructTag, text string) {
		if path != "externalClientApplication" {
			items = append(items, Item{
				Fate: Offered, Field: at.label, Old: list(f.want(from)), New: text, Place: string(at.part) + "/" + path,
				Why: "The wanted app does not list it, so the new app starts with Salesforce's default; the admin decides.",
			})
		}
	})
	return items
}

// extras are the members of a connected app's list that the new app's has not: an item each, and one for all of those that
// nobody reads one by one.
func extras(f field, at place, from, to metadata.AppSpec) []Item {
	spelled := map[string]string{} // the scopes of a label as the new app spells them
	if f.name == "Scopes" {
		for _, scope := range from.Scopes {
			word := string(scope)
			if word == "SFAP" {
				word = "SFApiPlatform"
			}
			if others := spelled[scope.Label()]; others != "" {
				word = others + ", " + word
			}
			spelled[scope.Label()] = word
		}
	}
	var items []Item
	has := setOf(f.want(to))
	var members []string
	for _, member := range f.want(from) {
		if !has[member] {
			has[member] = true
			members = append(members, member)
		}
	}
	for i, member := range members {
		old, spelling := member, cmp.Or(spelled[member], member)
		if i == maxNamed {
			rest := slices.Clone(members[i:])
			old = list(rest)
			for k, m := range rest {
				rest[k] = cmp.Or(spelled[m], m)
			}
			spelling = list(rest)
		}
		item := Item{
			Fate: Offered, Field: at.label, Old: old, New: spelling, Place: string(at.part) + "/" + at.element,
			Why: "Fullcast's instructions do not name it, so the new app starts without it; the admin decides.",
		}
		if member == "SFAP" {
			item.Why += " External client apps spell it otherwise."
		}
		items = append(items, item)
		if i == maxNamed {
			break
		}
	}
	return items
}
