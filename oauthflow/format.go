package oauthflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// ErrNewerFormat means that a newer version of this module wrote a record in a way that this one cannot read. It is left
// as it is. Bring every process to the release that reads the format before any process runs one that makes it.
var ErrNewerFormat = errors.New("the record was written by a newer version of this module and is left as it is: " +
	"update this process; a release that makes a new format may run when every process has the one before it, which reads it")

var errFormat = errors.New("it is damaged, or in a format that this version does not know")

// The content of a record names its format, so that processes of two versions can share a store while one replaces the
// other. A new field of a grant needs no new format where a version that does not know it may leave it as it is: it
// goes to the end of the outermost object, and stays through every save. All else is a new format and takes two
// releases: one that reads it and leaves records in it, but makes none, then one that makes it. The result of a login
// ([spentLogin]) is a format that no earlier version is to read: a process that does not know it must not send the code of
// the login.
const (
	madeFormat   = 1 // of a new record, and of what is saved over an older one
	newestFormat = 1 // that is read; a record never goes back from it
)

// decode reads what a record holds into v, whose format is format.
func decode(plain []byte, v any, format *int) error {
	if err := json.Unmarshal(plain, v); err != nil {
		var of struct{ Format int } // the one field that every format has
		if json.Unmarshal(plain, &of) == nil && of.Format > newestFormat {
			return ErrNewerFormat
		}
		return errFormat
	}
	return readable(*format)
}

func readable(format int) error {
	switch {
	case format > newestFormat:
		return ErrNewerFormat
	case format < 1:
		return errFormat
	}
	return nil
}

func (g *grant) encode() ([]byte, error) {
	g.Format = max(g.Format, madeFormat)
	plain, err := json.Marshal(g)
	if err != nil || len(g.later) == 0 {
		return plain, err
	}
	later, err := json.Marshal(g.later)
	if err != nil {
		return nil, err
	}
	return append(append(plain[:len(plain)-1], ','), later[1:]...), nil
}

func decodeGrant(k Key, plain []byte) (*grant, error) {
	g := new(grant)
	err := strictly(plain, g)
	if err == nil {
		err = readable(g.Format)
	} else {
		g = new(grant)
		if err = decode(plain, g, &g.Format); err == nil {
			err = g.keepLater(plain)
		}
	}
	if err != nil {
		return nil, err
	}
	if g.Key != k {
		return nil, fmt.Errorf("%w: it holds another connection", tokenstore.ErrForeignRecord)
	}
	return g, nil
}

// strictly decodes a grant that holds no field of a later version.
func strictly(plain []byte, g *grant) error {
	d := json.NewDecoder(bytes.NewReader(plain))
	d.DisallowUnknownFields()
	return d.Decode(g)
}

// formerFields were written into records by earlier versions. Those with such a value need not be kept; "" is any.
var formerFields = map[string]string{"Unsettled": "false", "TakeOvers": ""}

// keepLater keeps the fields of a later version. Those inside other fields would be lost: no version makes such.
func (g *grant) keepLater(plain []byte) error {
	var fields map[string]json.RawMessage
	if json.Unmarshal(plain, &fields) != nil {
		return errFormat
	}
	g.later = map[string]json.RawMessage{}
	for name, value := range fields {
		if f, ok := reflect.TypeFor[grant]().FieldByName(name); !ok || !f.IsExported() {
			delete(fields, name)
			if is, known := formerFields[name]; !known || is != "" && is != string(value) {
				g.later[name] = value
			}
		}
	}
	rest, err := json.Marshal(fields)
	if err == nil {
		err = strictly(rest, new(grant))
	}
	if err != nil {
		return ErrNewerFormat
	}
	return nil
}
