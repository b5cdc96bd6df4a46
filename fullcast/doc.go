// Package fullcast connects customers' Salesforce orgs to a Fullcast instance and keeps the connections alive. It is what
// a Fullcast service imports.
//
// A [Connector] belongs to one [Site]. [Connector.Connect] and [Connector.Complete] run the login, [Connector.Open] returns a
// [Connection] from any process over the same store, and [Connection.HTTPClient] or [Connection.Resty] call the org.
// [ExternalClientApp] and [ConnectedApp] are the two apps as values, with every setting that Fullcast's instructions name;
// [Connection.Check] compares the app in the org with them. The package example shows all of it.
//
// # Lifecycle
//
// New connections need an external client app. Connections that were made earlier, with a connected app, are adopted
// ([Connector.Adopt], [Connector.AdoptAll]); they keep working, should migrate ([Connector.BeginMigration]), and must migrate once they are broken.
//
//	status           meaning                                               who ends it
//	active           it works
//	in doubt         the answer of a refresh is lost; calls still work     the SDK, by asking Salesforce
//	suspended        Salesforce refuses refreshes or all API calls         an admin's switch, or time; it heals by itself then
//	broken           no try with this grant can succeed                    an admin: Connector.Connect
//	disconnecting    its tokens are being revoked                          Connector.KeepAlive, if it was interrupted
//
// # Errors
//
// Every error is an *[Error]. Its Remedy says what to do, and Error.Actor who has to act:
//
//	Remedy            Actor            what to do
//	Retry             ActorNobody      nothing; the service tries again later
//	Reauthorize       ActorAdmin       connect again
//	AdminFixesApp     ActorAdmin       correct the app's settings
//	AdminFixesPolicy  ActorAdmin       correct a policy of the app, the org or the user
//	FixConfiguration  ActorAdmin       correct login host, consumer key or secret where they were entered
//	RecreateApp       ActorAdmin       create the external client app again, and connect
//	Migrate           ActorAdmin       create the external client app; the connected app is no longer supported
//	ContactCSM        ActorAdmin       contact the customer success manager
//	FixCode           ActorProgrammer  correct the service's code
//	FixService        ActorOperator    correct the service's configuration, sealing keys, network or store
//	Admin…            ActorAdmin       correct one setting in Salesforce Setup, such as AdminUnblocksApp; [Remedy.ForAdmin] has the clicks
//
// [WrongEntries] tells which field of a connect form an error is about. docs/salesforce-says.md lists what Salesforce says with the
// remedy of each.
//
// A call of [Connection.Resty] that the org refuses returns such an error, too. Over [Connection.HTTPClient] a refusal is a response,
// as it is with net/http: check its status, and call [Connection.ResponseError] before you read its body.
//
// The cause is mostly an *oauthflow.Error, whose Sentence explains it to an admin, or a *metadata.Error. What errors.Is tells:
//
//	ErrMigrationRequired      no new login of a connected app is possible: create the external client app, then call Connector.Connect
//	ErrCredentialsUnproved    UpdateCredentials: the new key has not worked yet, the old one is used on; see Remedy
//
// Calls that deal with many connections return an error whose cause is an *oauthflow.BulkError: what was done stays done, and the
// same call does the rest.
//
// # In a service
//
// [Connector.List] yields the connections of a [Filter], such as all that are [Usable], and [Connector.Load] one of them, without a
// request. [Connector.AdminAPI] serves an admin page's data and deeds as JSON. [Connector.ReadinessHandler] serves /readyz. [Config].APITransport carries the calls to the orgs alone, for traces. [APIVersion]
// is the version to call.
//
// # Concurrency and processes
//
// All methods may be called from many goroutines. Processes share connections by sharing a store; each access token is
// refreshed once among them.
//
// # Security
//
// Consumer secrets and tokens are sealed before they are stored and print as "[redacted]". The access token goes to the
// connection's own hosts only.
//
// # Testing
//
// Package fullcasttest makes the simulated org of a customer, with the app, a browser and a configuration for a Connector, or
// mocks single answers with httpmock.
//
// # Compatibility
//
// Before version 1.0 a minor version may break. Go 1.26 or newer.
package fullcast
