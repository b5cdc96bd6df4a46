// Package oauthflow speaks OAuth 2.0 with Salesforce and owns the tokens of many orgs: each stored encrypted, refreshed at
// most once however many processes ask, and never lost by our own doing.
//
// It has two layers. [Flow] makes the HTTP requests: it keeps no tokens, and one call makes at most one POST. [Manager]
// stores and refreshes tokens: it keeps logins and connections in a tokenstore.Store, sealed, and
// uses the Flow. Most services need the Manager only, and most of those get it through package fullcast.
//
// # The life of a connection
//
// The org's admin makes an app in Salesforce and copies its consumer key and secret: a [Client], whose [Host] is the org's
// My Domain. [Manager.Begin] returns the URL to send the admin's browser to; [Manager.Complete] takes what came back to the
// callback page and stores the connection under a [Key]. [Manager.Adopt] takes over a connection that was made elsewhere.
//
// [Manager.Source] then hands out access tokens, and [Source.Transport] puts them into requests. Salesforce tells no
// lifetime: a token is used until Salesforce refuses it, and then replaced, once, for all who wait. [Manager.KeepAlive]
// refreshes connections that nobody uses before their refresh tokens go stale. [Manager.Disconnect] revokes the tokens and
// forgets them.
//
// # Errors
//
// Every failure is an [Error]: Kind is for programs, [Error.Sentence] for the person who looks after the org, and
// Error.RetryAfter says when to come back. What to do, by what errors.As and errors.Is tell:
//
//	Kind                                     what to do
//	KindInvalid                              correct the field that the text names
//	KindNotSent                              try again; nothing left the process
//	KindBusy, KindLimit, KindUnknownAnswer   try again after RetryAfter
//	KindInDoubt                              refresh: the Manager finds out; exchange: begin a new login
//	KindBadAnswer                            keep the refresh token that came with the error, then try again
//	KindSession                              Source.Replace; Transport does it by itself
//	KindGrantDead                            connect again
//	KindDenied, KindState                    begin a new login
//	KindClient                               enter key and secret again (Manager.SetClient)
//	KindAppMissing                           use the org's My Domain; wait if RetryAfter says so; else create the app
//	KindAppPolicy, KindUserPolicy            an admin corrects what the sentence names; nothing is lost meanwhile
//	KindIPRestricted, KindFreshRefused       the same
//	KindRedirect, KindScope, KindNoRefresh   an admin corrects the app; then connect again
//	KindPKCE                                 begin a new login; if it fails again, the customer success manager
//	KindIDToken                              do not trust who logged in; begin a new login
//	KindOrgGone, KindOrgChanged              connect the org that is there now: as a new connection, or by its id in place of the old
//	KindUserChanged                          connect again
//	KindNotConnected                         connect the org first
//	KindStore, KindForeign                   look after the store, its keys and its environment; nothing was sent
//
//	errors.Is                                what to do
//	ErrOwnNetwork                            correct the service's own network or image; nothing is wrong with the org
//	ErrNoSuchHost                            ask for the org's present My Domain: it was renamed, or the org is gone
//	ErrNoRefreshToken                        correct the scope or the policy that the text names
//	ErrOrgChanged, ErrUserChanged            as their kinds; errors.As a *StrangerError for who has answered
//	KindElsewhere, ErrConnectedElsewhere     work with the connection that was given the token, or log in
//	ErrSuperseded                            look whether the org is connected; if not, begin a new login
//	ErrNewerFormat                           update this process; the record is left as it is
//	ErrRelocated                             give this process the store to which all was copied; nothing was sent
//	tokenstore.ErrForeignRecord              look at the store's collation, cache and rows; nothing of the record was used
//	tokenstore.ErrNotDurable                 look after the store's replicas: no token is sent while they lack what is saved
//	ErrBodyRead                              call ResponseError before the response's body is read
//	ErrTransport                             correct the transport that the service has configured, as the text says
//	ErrClosed                                the Manager was closed
//	errors.As a *BulkError                   call Reseal or Copy again: it does the rest; see Kinds and Errs for what failed
//	context.Canceled, DeadlineExceeded       the caller left before the first byte did
//
// What the org's APIs refuse comes back as their response, and [ResponseError] makes an Error of it.
//
// [ErrorKind.Terminal] tells the kinds after which no try with the same grant can succeed. What Salesforce says that nobody has
// seen before is never taken for one of them.
//
// # Concurrency and processes
//
// All methods may be called from many goroutines, and any number of processes may share a Store. There are no locks:
// a process that is to send a refresh token first writes an intent by compare-and-swap, so that of all processes one sends it, and
// the answer is stored before anybody sees it. A caller's context ends the wait, never a refresh whose first byte has left:
// its answer is waited for, two minutes at most. When an answer is lost, Salesforce is asked whether the refresh token is
// spent before it is ever sent again, since with rotation one replay ends the grant.
//
// # Security
//
// S256, state and nonce are always sent; there is nothing to switch off. Authorize, token and revocation endpoints follow
// from one host, which [ParseHost] has checked against Salesforce's domains. A Flow follows no redirect; a Manager follows
// one, to the same endpoint of a My Domain in the same cloud, so that a consumer secret goes nowhere else. Addresses inside
// a network are refused after resolution. A [Secret] shows itself to nobody, and an [Error] holds no token, code, secret,
// query or body. Records are sealed with AES-256-GCM, bound to their place, version and environment. All of it works where
// FIPS 140 is enforced (GODEBUG=fips140=only).
//
// # Testing
//
// Package orgtest is a Salesforce org in process: give its RoundTripper as Config.Transport. httpmock works, too, whether it
// is activated before or after the Flow is made, or as a transport of its own. For a real TLS connection to a local server
// use a transport with a DialTLSContext that trusts the server's authority (RootCAs). There is no switch that weakens
// anything for tests. Package storetest proves a tokenstore.Store.
//
// # Compatibility
//
// The exported names follow semantic versioning. The kinds may grow: treat one that you do not know like
// [KindUnknownAnswer]. Texts of errors and sentences may change.
package oauthflow
