package oauthflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"sync"
)

// This is what a later version of the package would add, for a drill in which processes of both share a store: a second
// format, which calls a field by another name, and in both formats a field that the first version does not know. The
// functions that the second version wraps are renamed to encodeFirst and decodeFirst.

var firstName, secondName = []byte(`"Generation":`), []byte(`"Refreshes":`)

func (g *grant) encode() ([]byte, error) {
	g.later = maps.Clone(g.later)
	if g.later == nil {
		g.later = map[string]json.RawMessage{}
	}
	g.later["Steps"] = json.RawMessage(strconv.FormatUint(g.Generation, 10))
	plain, err := g.encodeFirst()
	if err != nil || g.Format < 2 {
		return plain, err
	}
	return bytes.Replace(plain, firstName, secondName, 1), nil
}

// stepped holds the epochs whose record this process has seen with the field: from then on it must be there.
var stepped sync.Map

func decodeGrant(k Key, plain []byte) (*grant, error) {
	var of struct{ Format int }
	if err := json.Unmarshal(plain, &of); err != nil {
		return nil, err
	}
	if of.Format == 2 {
		if bytes.Contains(plain, firstName) {
			return nil, errors.New("the first version has written over a record of the second format")
		}
		plain = bytes.Replace(plain, secondName, firstName, 1)
	}
	g, err := decodeFirst(k, plain)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(plain, []byte(`"Steps":`)) {
		stepped.Store(g.Epoch, true)
	} else if _, ok := stepped.Load(g.Epoch); ok {
		return nil, errors.New("the first version has dropped a field of the second")
	}
	return g, nil
}
