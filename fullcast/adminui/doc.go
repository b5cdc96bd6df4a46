// Package adminui serves the pages on which a customer's admin looks after Salesforce connections: setup guide, connect, status, check,
// diagnose, migrate, disconnect. They are HTML from the server, over the calls of [fullcast.Connector.AdminAPI]; they work without
// JavaScript, of which they have one file, that puts copy buttons beside the values of the guide. The one stylesheet has its colours in
// custom properties. A service brings its session, and a layout where it wants its own.
//
// # Errors
//
//	error                       when                      what to do
//	that of [New]               a field cannot be used    correct the fields that it names
//	that of a [Config].Layout   the layout is at fault    the answer is 500, which does not show it
//
// What goes wrong with a connection stands on its page: what happened, who acts, and the clicks.
//
// # Stability
//
// The package is experimental: its names, its pages and their addresses may change in any release.
package adminui
