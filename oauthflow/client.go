package oauthflow

import (
	"strings"
	"time"
	"unicode"

	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/internal/salesforce"
)

// AppKind is the kind of app that a connection is made with, as Salesforce's metadata call its type. Where a kind is optional, it is
// [ExternalClientAppKind] by default. Package metadata has the same type as Kind.
type AppKind = salesforce.AppKind

// The two kinds of app.
const (
	ExternalClientAppKind AppKind = salesforce.ExternalClientApp // of new connections; the default
	ConnectedAppKind      AppKind = salesforce.ConnectedApp      // of legacy connections; its scopes do not include openid
)

// Client is one org's app as its admin made it. It belongs to a connection: every org has an app of its own, with its
// own consumer key and secret.
type Client struct {
	Kind   AppKind // kept with the connection, never sent. Optional; default [ExternalClientAppKind]
	Host   Host    // login host of the org that holds the app
	ID     string  // consumer key (client_id), 1–512 printable ASCII characters; a [Manager] removes blanks around it
	Secret Secret  // consumer secret (client_secret), 1–512 characters; a [Manager] removes blanks around it

	// Created is when the admin made the app. Optional: Salesforce may take half an hour until a new app is found
	// everywhere, and with this an [Error] says to wait when it is not. A time more than five minutes ahead is ignored.
	Created time.Time
}

const wrongKind = "must be ExternalClientApp or ConnectedApp; empty means ExternalClientApp"

func (c Client) validate(op string) error {
	var bad badfields.List
	if !c.Kind.Known() {
		bad.Add("Client.Kind", wrongKind)
	}
	if c.Host.IsZero() {
		bad.Add("Client.Host", "is required: the org's My Domain host")
	}
	switch {
	case c.ID == "":
		bad.Add("Client.ID", "is required: the app's consumer key")
	case len(c.ID) > 512 || !printable(c.ID):
		bad.Add("Client.ID", "is no consumer key; copy it again from Setup, without blanks")
	}
	switch secret := c.Secret.Reveal(); {
	case c.Secret.IsZero():
		bad.Add("Client.Secret", "is required: the app's consumer secret")
	case len(secret) > 512 || !printable(strings.ReplaceAll(secret, " ", "_")), strings.TrimSpace(secret) != secret:
		bad.Add("Client.Secret", "is no consumer secret; copy it again from Setup, without outer blanks")
	}
	return invalidFields(op, bad)
}

// trimmed is the client without the blanks and invisible characters that come along when a person copies key and secret.
func (c Client) trimmed() Client {
	c.ID = strings.TrimFunc(c.ID, invisible)
	if s := c.Secret.Reveal(); s != strings.TrimFunc(s, invisible) {
		c.Secret = NewSecret(strings.TrimFunc(s, invisible))
	}
	return c
}

// invisible reports whether a character cannot be seen at the end of pasted text.
func invisible(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) }

// printable reports whether s is made of visible ASCII characters only.
func printable(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return s != ""
}
