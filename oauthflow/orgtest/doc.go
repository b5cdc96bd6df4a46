// Package orgtest is a Salesforce org in process: the OAuth endpoints, the identity service, enough of the REST API, and
// the Metadata API over REST and SOAP for the types an app is made of. A service tests its integration against it without
// a network, an account or a browser:
//
//	org, err := orgtest.New(orgtest.Config{})
//	client := &http.Client{Transport: org.RoundTripper()}
//
// The org starts empty. An app gets into it as into a real one: deployed with the admin's session of [Org.AdminSession], or
// already there by [Config.Existing]. From then on the org enforces what that app says: PKCE, secrets, callback URLs, scopes,
// permitted users, refresh token policy, IP relaxation, rotation, idle limit. [Config.Release] says what a new app begins
// with. It has no Experience Cloud site, so that it refuses the
// Authorization Code and Credentials Flow, as Salesforce's login and My Domain hosts do. That flow signs in the external
// users of such a site; no package here runs it, so that answers to it would have nobody to be tried on.
//
// # Three ways in
//
// [Org.RoundTripper] calls the org in the caller's goroutine, under its production host names; it works inside a
// testing/synctest bubble, and every wait of the org is then virtual. [Org.Start] serves TLS on loopback for those names
// with a certificate authority of its own, for what needs a real connection. [Org.ServeHTTP] is a plain http.Handler for
// httptest; a host that is not Salesforce's is then taken for the org's My Domain.
//
// # Data and resources of a test
//
// Queries find a few records of the org's own and what [Org.SetRecords] sets; of SOQL the org reads SELECT of fields, also through
// relationships, and COUNT(), WHERE with = != < > <= >= IN LIKE AND OR NOT, ORDER BY, LIMIT and OFFSET. The Tooling API has records of its
// own, by [Org.SetToolingRecords]. [Org.Handle] serves any other resource by a handler of the test, behind the org's session check, limits,
// faults and ledger.
//
// # What is not simulated
//
// What Salesforce would carry out and this org does not is refused, never answered as if it had been done. The refusal has the form of
// its endpoint, and its text begins with "not simulated:": an error_description of OAuth, a problem of a component, a SOAP fault, a
// REST error with status 501 and the code NOT_SIMULATED, or MALFORMED_QUERY for a part of SOQL. A test can look for these words in
// what its service logs.
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
// A refusal that Salesforce would give is an HTTP response. An error means that a test asks for what cannot be, and no error
// has a type: fail the test with it.
//
//	error                       when                                                                      what to do
//	of New                      Config names an impossible domain, user or wait, or Existing is no app    correct the field that the text names
//	of Org.Approve, Org.Deny    the URL is not this org's, or Salesforce would not send the browser back  expect that, or correct app, user or URL
//	of Org.Inject               a Fault does nothing, or contradicts itself                               correct what the text names; none was injected
//	of Org.SetRecords           a record has a name or a value that cannot be, or two types in one column       correct the field that the text names
//	of Org.Handle               http.ServeMux does not take the pattern, or the path is the org's own           use another pattern, or Org.Inject
//	of Org.Start, Server.Close  loopback has no free port                                                 free one
//	of any other method         there is no such app, user or component, or no value like that            use the API name that was deployed
//
// # Concurrency
//
// All methods may be called at the same time. No lock is held while the org waits.
package orgtest
