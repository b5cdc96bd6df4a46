// Package orgtest is a Salesforce org in process: the OAuth endpoints, the identity service, enough of the REST API, and
// the Metadata API over REST and SOAP for the types an app is made of. A service tests its integration against it without
// a network, an account or a browser:
//
//	org, err := orgtest.New(orgtest.Config{})
//	client := &http.Client{Transport: org.RoundTripper()}
//
// The org starts empty. An app gets into it as into a real one: deployed with the admin's session of [Org.AdminSession], or
// already there by [Config.Existing]. From then on the org enforces what that app says: PKCE, secrets, callback URLs, scopes,
// permitted users, refresh token policy, IP relaxation, rotation. It has no Experience Cloud site, so that it refuses the
// Authorization Code and Credentials Flow, as Salesforce's login and My Domain hosts do.
//
// # Three ways in
//
// [Org.RoundTripper] calls the org in the caller's goroutine, under its production host names; it works inside a
// testing/synctest bubble, and every wait of the org is then virtual. [Org.Start] serves TLS on loopback for those names
// with a certificate authority of its own, for what needs a real connection. [Org.ServeHTTP] is a plain http.Handler for
// httptest; a host that is not Salesforce's is then taken for the org's My Domain.
//
// # What is real and what is assumed
//
// It was written from Salesforce's documentation, schema and reports of people who run real orgs, never from a client.
// A comment at each behaviour names its source in words such as "help", "docs", "KB" or the public project that saw it; where
// there is none it says "assumed". Passing here is necessary, not sufficient, for passing on a real org.
//
// # Faults and record
//
// [Org.Inject] scripts what goes wrong on the way: an answer of any status, a delay, a connection dropped before or after
// the org acted, an answer cut short. [Org.Ledger] tells afterwards what the org did, without any secret in it.
//
// # Errors
//
// What Salesforce refuses comes back as Salesforce's answer. Errors of the package's own are for the test's author; none is
// typed, and each names the field, app or user that is wrong:
//
//	error of                   when                                    what to do
//	New, Inject, SetUser       a field is out of range                 mend it; one error tells all
//	SetAppField and the like   the org has no such app, user or type   deploy it first, or correct the name
//	RotateCredentials          nothing is staged                       StageCredentials first; that one refuses a second set
//	Approve, Deny              the browser stays at Salesforce         read the text: it is what Salesforce's page says
//	Start                      loopback gives no port                  look at the machine
//
// # Concurrency
//
// All methods may be called at the same time. No lock is held while the org waits.
package orgtest
