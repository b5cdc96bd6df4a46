package metadata

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/internal/secretscan"
)

// A secret has no place in what is packaged or deployed. The fields that the schema has for one are left out by
// [App.portable]; the cleaner looks after every other place: elements that this package does not know, at any depth and in any
// namespace, names, attributes, comments, processing instructions, and text.
//
// What is not part of the app is left out, as the fields are. What is part of it cannot be: a description without its text,
// or a certificate that goes missing, would change the app. It is refused, and the error names the element.

// maxKnownSecrets is how many of the secrets that stand in elements unknown here are also looked for in other places.
const maxKnownSecrets = 16

// minSecret is the shortest value that is looked for in other places, in bytes. A shorter one may be a word of any text.
const minSecret = 8

// known returns the values of the fields that hold a secret, and whether there is a consumer key that one belongs to.
func (a App) known() secretscan.Known {
	var known secretscan.Known
	for _, p := range a.parts() {
		walk("", p.v, func(_ string, f field, v reflect.Value) {
			switch {
			case v.Type() == secretType:
				known.Secrets = distinctSecrets(known.Secrets, v.Interface().(secret.Secret).Reveal())
			case f.name == "consumerKey":
				known.HasKey = known.HasKey || !v.IsZero()
			}
		})
	}
	return known
}

func distinctSecrets(known []string, more ...string) []string {
	for _, s := range more {
		if s = strings.TrimSpace(s); len(s) >= minSecret && !slices.Contains(known, s) {
			known = append(known, s)
		}
	}
	return known
}

// withoutSecrets returns the bytes of the parts, each as it is to leave, without any secret. It refuses a part that holds one in
// its name or in what is part of the app.
func withoutSecrets(parts []part, known secretscan.Known) ([][]byte, error) {
	out := make([][]byte, len(parts))
	var found []string
	for i, p := range parts {
		if what := known.In(p.FullName); what != "" {
			return nil, &Error{Op: "package", Name: p.label(), Err: fmt.Errorf("the name of the component holds %s, which no package carries; rename the component and its file", what)}
		}
		data, err := p.bytes(asTheServer)
		if err != nil {
			return nil, err
		}
		c := cleaner{part: p, data: data, known: known}
		if out[i], err = c.clean(); err != nil {
			return nil, err
		}
		found = append(found, c.found...)
	}
	if len(found) == 0 {
		return out, nil
	}
	known.Secrets = distinctSecrets(slices.Clone(known.Secrets), found...)
	for i, p := range parts {
		c := cleaner{part: p, data: out[i], known: known}
		var err error
		if out[i], err = c.clean(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// without returns data without the bytes of the cuts, which may stand in any order and one in the other.
func without(data []byte, cuts []edit) []byte {
	if len(cuts) == 0 {
		return data
	}
	slices.SortFunc(cuts, func(a, b edit) int { return a.from - b.from })
	var out bytes.Buffer
	out.Grow(len(data))
	at := 0
	for _, cut := range cuts {
		if cut.from > at {
			out.Write(data[at:cut.from])
		}
		at = max(at, cut.to)
	}
	out.Write(data[at:])
	return out.Bytes()
}
