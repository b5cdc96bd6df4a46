package fullcast

import (
	"errors"
	"strings"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/oauthflow"
)

// FormField is a field of the form in which a customer's admin enters what connects an org. Its text is the field's name in
// English.
type FormField string

// Fields of the form. Setup calls the last two by the same names.
const (
	FieldLoginHost      FormField = "login host"
	FieldConsumerKey    FormField = "consumer key"
	FieldConsumerSecret FormField = "consumer secret"
)

// formFields are the names that the fields have in errors of package oauthflow.
var formFields = map[string]FormField{
	"host": FieldLoginHost, "Client.Host": FieldLoginHost, "Client.ID": FieldConsumerKey, "Client.Secret": FieldConsumerSecret,
}

// WrongEntry is a field of the form whose content cannot be used.
type WrongEntry struct {
	Field FormField
	Text  string // one sentence for the person who entered it, without a secret
}

// WrongEntries returns which fields of the form an error is about, be it of [oauthflow.ParseHost], [Connector.Begin] or
// [Connector.UpdateCredentials], or Salesforce's refusal at the end of a login. It returns nothing where the error is about
// something else.
func WrongEntries(err error) []WrongEntry {
	var all []WrongEntry
	for _, f := range fieldsOf(err) {
		if field, ok := formFields[f.Field]; ok {
			all = append(all, WrongEntry{field, sentence("The "+string(field), f.Problem)})
		}
	}
	var e *oauthflow.Error
	if len(all) > 0 || !errors.As(err, &e) {
		return all
	}
	switch {
	case e.Reason() == oauthflow.ReasonLoginHost:
		return []WrongEntry{{FieldLoginHost, e.Sentence()}}
	case e.Kind == oauthflow.KindClient:
		return []WrongEntry{{FieldConsumerSecret, e.Sentence()}}
	case e.Kind == oauthflow.KindAppMissing && e.Reason() == "":
		return []WrongEntry{{FieldConsumerKey, e.Sentence()}}
	}
	return nil
}

// sentence makes one of a field's name and what is wrong with it, which begins with a verb or with what was entered.
func sentence(name, problem string) string {
	for _, verb := range []string{"is ", "holds ", "names ", "must "} {
		if strings.HasPrefix(problem, verb) {
			return scrub.Printable(name + " " + problem + ".")
		}
	}
	return scrub.Printable(name + ": " + problem + ".")
}
