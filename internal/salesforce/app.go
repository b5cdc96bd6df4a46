package salesforce

import "cmp"

// AppKind is a kind of app that Salesforce can authorize a client with, as metadata call its type. Empty is the default.
type AppKind string

// The two kinds of app.
const (
	ExternalClientApp AppKind = "ExternalClientApp" // of new connections; the default
	ConnectedApp      AppKind = "ConnectedApp"      // of legacy connections
)

// OrDefault returns the kind that is meant: [ExternalClientApp] where none is named.
func (k AppKind) OrDefault() AppKind { return cmp.Or(k, ExternalClientApp) }

// Known reports whether there is such a kind of app, or the default is meant.
func (k AppKind) Known() bool { return k == "" || k == ExternalClientApp || k == ConnectedApp }

// String returns the kind.
func (k AppKind) String() string { return string(k) }
