package metadata

import (
	"strings"
	"sync"

	"github.com/fullcast/sfauth/internal/secretscan"
)

// names are the elements of the schema, at any place.
type names struct {
	withheld map[string]bool // plain: what Salesforce sets itself and what orders it to act; never written
	written  map[string]bool // as they are spelled: what an app has
}

var schemaNames = sync.OnceValue(func() names {
	all := names{map[string]bool{}, map[string]bool{}}
	for _, list := range componentFields() {
		for _, f := range list {
			if f.mark == "platform" || f.mark == "action" {
				all.withheld[secretscan.Plain(f.name)] = true
			} else {
				all.written[f.name] = true
			}
		}
	}
	return all
})

// saysSecret tells whether what has that name holds a secret, by its name. Names of the schema are those of settings.
func saysSecret(name string) bool { return secretscan.Names(name) && !schemaNames().written[name] }

// namesSecret is the same for a text, which may be in words: "client secret".
func namesSecret(text string) bool {
	return secretscan.NamesInWords(text) && !schemaNames().written[strings.TrimSpace(text)]
}

// withheld tells the names of what is never written, such as consumerSecret, in any spelling.
func withheld(name string) bool { return schemaNames().withheld[secretscan.Plain(name)] }
