// Package fullcasttest lets a service test its Salesforce connections. It has a simulated customer's org with the app, a browser
// for its admin, and httpmock responders for single answers. It needs no network, no account and no real browser.
//
//	org := fullcasttest.NewOrg(t, fullcast.Production)
//	sf, err := fullcast.NewConnector(org.Config())
//	...
//	conn := org.Connect(ctx, sf, oauthflow.Key{Tenant: "acme", Name: "main"})
//	org.ExpireSessions() // the next call refreshes
//
// # Which of the two
//
// Use [NewOrg] to test the behaviour of a service. The org keeps the state of apps, users and tokens, and enforces the settings
// of the app. orgtest.Org.Inject adds faults. Use [Responders] in a unit test that already mocks its API calls with httpmock.
// They answer the token requests. They answer a mocked API call only if it carries the access token.
//
// # Where the mock goes
//
// Give the mock to [fullcast.Config.Transport], or call httpmock.Activate and leave that field empty.
//
// Do not call httpmock.ActivateNonDefault with the client of [fullcast.Connection.Resty] or [fullcast.Connection.HTTPClient]. It
// replaces the transport of that client. That transport adds the access token, refreshes it, and reads refusals; the test would
// pass without all three. With a resty client, the first such call fails with an error that says so, with the remedy
// [fullcast.FixCode]. Also, each call of Resty returns another client, so that the tested code would not use the mocked client.
//
// # Errors
//
// No function returns an error. Each error goes to T.Fatalf:
//
//	error            when                                                      what to do
//	of an org        an option is not possible for an org                      correct what the text names
//	of a login       the redirect is not this org's, or Salesforce refuses it  expect that with orgtest.Org.Approve, or correct the URL
//	of a connection  the Connector returns an error                            expect that with Begin and Complete, or correct the Connector
//
// # Concurrency
//
// All functions and methods are safe for concurrent use. If T is a *testing.T, call functions that may fail only in the goroutine
// of the test, because they call T.Fatalf.
//
// # Production
//
// Import this package only in tests. It links httpmock and the simulator. No other package of this module imports both.
package fullcasttest
