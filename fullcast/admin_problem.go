package fullcast

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Codes of problems beside those of a request and those that are the words of an [oauthflow.Reason] or an [oauthflow.ErrorKind].
const (
	codeMigrationRequired = "migration-required"
	codeUnproved          = "credentials-unproved"
	codeNoMigration       = "no-migration"
	codeRefused           = "refused" // by the org, in words that nothing is known of
	codeFailed            = "failed"
)

// adminFields are the fields of a request's body by the names that errors give them.
var adminFields = map[string]string{
	"host": inHost, "Client.Host": inHost, "Client.ID": inKey, "Client.Secret": inSecret,
	"BeginOptions.CallbackURL": inPage, "AuthorizeOptions.LoginHint": inLoginHint, "AuthorizeOptions.Prompt": inPrompt,
	"AuthorizeOptions.ExpectOrg": inExpectOrg, "AuthorizeOptions.ExpectUser": inExpectUser,
	"Key.Name": "name", "Key": "name",
}

// problem puts an error of this package into the form of the API. It shows nothing of faults on which the reader cannot act.
func (a *adminAPI) problem(err error) *adminhttp.Problem {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Op: "admin API", Remedy: remedyFor(err, ""), Err: err}
	}
	var cause *oauthflow.Error
	var stranger *oauthflow.StrangerError
	errors.As(err, &cause)
	p := &adminhttp.Problem{Code: codeOf(e, cause), Message: messageOf(e, cause), Remedy: a.remedy(e.Remedy, "")}
	if cause != nil && p.Remedy != nil && p.Remedy.Clicks != "" {
		p.Remedy.Clicks += e.Remedy.after(cause.Op)
	}
	p.Fields = fieldsAtFault(e)
	p.Status = statusOf(e, cause, p.Fields)
	if cause != nil && p.Status == http.StatusServiceUnavailable {
		p.RetryAfter = int((cause.RetryAfter + time.Second - 1) / time.Second)
	}
	if errors.As(err, &stranger) {
		p.Answered = &adminhttp.Stranger{OrgID: stranger.OrgID, UserID: stranger.UserID}
	}
	return p
}

// remedy is nil for none. Clicks are those of a finding, where it has its own.
func (a *adminAPI) remedy(r Remedy, clicks string) *adminhttp.Remedy {
	if r == 0 {
		return nil
	}
	shown := &adminhttp.Remedy{ID: r.ID(), Who: string(r.Actor()), Text: r.String()}
	switch r.Actor() {
	case ActorAdmin:
		shown.Clicks = cmp.Or(clicks, r.ForAdmin(a.c.egress))
	case ActorOperator, ActorProgrammer: // who are not in front of the page
		shown.Text = r.ForAdmin(nil)
	}
	return shown
}

// codeOf is the closest word that is known of an error.
func codeOf(e *Error, cause *oauthflow.Error) string {
	var refused *metadata.Error
	switch {
	case errors.Is(e, ErrMigrationRequired):
		return codeMigrationRequired
	case errors.Is(e, ErrCredentialsUnproved):
		return codeUnproved
	case len(fieldsOf(e)) > 0 && len(fieldsAtFault(e)) > 0:
		return adminhttp.CodeFields
	case cause != nil:
		return word(cmp.Or(string(cause.Reason()), string(cause.Kind)))
	case errors.As(e, &refused):
		return codeRefused
	}
	return codeFailed
}

// word makes a code of one of this module's words: lower case, with dashes.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' {
			return '-'
		}
		return unicode.ToLower(r)
	}, s)
}

// messageOf says what happened, to a customer.
func messageOf(e *Error, cause *oauthflow.Error) string {
	switch fields := fieldsAtFault(e); {
	case len(fields) > 0 && len(fieldsOf(e)) > 0:
		return adminhttp.Invalid().Message
	case e.Actor() == ActorOperator, e.Actor() == ActorProgrammer:
		return e.Remedy.ForAdmin(nil)
	case errors.Is(e, ErrMigrationRequired):
		return "This connection uses a connected app, which is not authorized again: create the external client app, and migrate to it."
	case cause != nil:
		return scrub.Printable(explain(cause, e.Remedy))
	}
	return asSentence(e.Err.Error())
}

// asSentence begins an error's text with a capital letter and ends it with a full stop.
func asSentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return scrub.Printable(string(unicode.ToUpper(first)) + strings.TrimSuffix(s[size:], ".") + ".")
}

// fieldsAtFault are the fields of the request that an error is about; nil where it is about one that no request has.
func fieldsAtFault(e *Error) []adminhttp.Field {
	var fields []adminhttp.Field
	for _, f := range fieldsOf(e) {
		name, ok := adminFields[f.Field]
		if !ok {
			return nil
		}
		label := string(formFields[f.Field])
		if label == "" {
			label = "field " + name
		}
		fields = append(fields, adminhttp.Field{Field: name, Message: sentence("The "+label, f.Problem)})
	}
	if len(fields) > 0 {
		return fields
	}
	for _, w := range WrongEntries(e) {
		fields = append(fields, adminhttp.Field{Field: entryFields[w.Field], Message: w.Text})
	}
	return fields
}

var entryFields = map[FormField]string{FieldLoginHost: inHost, FieldConsumerKey: inKey, FieldConsumerSecret: inSecret}

// unavailable are the kinds of errors that another try may not have.
var unavailable = map[oauthflow.ErrorKind]bool{
	oauthflow.KindNotSent: true, oauthflow.KindInDoubt: true, oauthflow.KindBusy: true, oauthflow.KindUnknownAnswer: true,
	oauthflow.KindBadAnswer: true, oauthflow.KindStore: true, oauthflow.KindLimit: true, oauthflow.KindSession: true,
}

// statusOf tells whose turn it is: 422 the request has to be corrected, 404 there is nothing, 503 later or another process, 500 this
// program, 409 somebody has to do something at Salesforce, or begin again.
func statusOf(e *Error, cause *oauthflow.Error, fields []adminhttp.Field) int {
	switch {
	case len(fields) > 0 && len(fieldsOf(e)) > 0:
		return http.StatusUnprocessableEntity
	case errors.Is(e, ErrMigrationRequired), errors.Is(e, ErrCredentialsUnproved):
		return http.StatusConflict
	case cause != nil && cause.Kind == oauthflow.KindNotConnected:
		return http.StatusNotFound
	case e.Remedy == Retry, e.Actor() == ActorOperator, errors.Is(e, oauthflow.ErrClosed), cause != nil && unavailable[cause.Kind]:
		return http.StatusServiceUnavailable
	case e.Actor() == ActorProgrammer:
		return http.StatusInternalServerError
	}
	return http.StatusConflict
}
