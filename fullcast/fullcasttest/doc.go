// Package fullcasttest is what a service tests its Salesforce connections with: a simulated customer's org that has the app, a
// browser for its admin, and httpmock responders for single answers. It needs no network, no account and no real browser.
//
//	org := fullcasttest.NewOrg(t, fullcast.Production)
//	sf, err := fullcast.NewConnector(org.Config())
//	...
//	conn := org.Connect(ctx, sf, oauthflow.Key{Tenant: "acme", Name: "main"})
//	org.ExpireSessions() // the next call refreshes
//
// # Which of the two
//
// [NewOrg] is for tests of what a service does: the org keeps the state of apps, users and tokens, enforces the settings of the
// app, and [orgtest.Org.Inject] scripts faults on the way. [Responders] are for a unit test that mocks its API calls with
// httpmock already: they answer the token requests, and keep the mocked API calls behind the access token.
//
// # Where the mock goes
//
// Give the mock to [fullcast.Config].Transport, or call httpmock.Activate and leave that field empty. Do not call
// httpmock.ActivateNonDefault with the client of [fullcast.Connection.Resty] or [fullcast.Connection.HTTPClient]: it replaces the
// transport of that one client, and that transport is what adds the access token, refreshes it and reads refusals. The test would
// pass without all three. Of a resty client the first such call fails with an error that says so, with the remedy
// [fullcast.FixCode]. Each call of Resty also returns another client, so that the code under test would not use the mocked one.
//
// # Errors
//
// Nothing is returned; each goes to T.Fatalf:
//
//	error                     when                                                         what to do
//	of an org                 an option names what no org can be                           correct what the text names
//	of a login                the redirect is not this org's, or Salesforce refuses it     expect that with orgtest.Org.Approve, or correct the URL
//	of a connection           the Connector returns an error                               expect that with Begin and Complete, or correct the Connector
//
// # Concurrency
//
// Everything may be used from many goroutines.
//
// # Production
//
// Only tests import this package: it links httpmock and the simulator, which no other package of this module does.
package fullcasttest
