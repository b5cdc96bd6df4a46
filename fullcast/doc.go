// Package fullcast connects customers' Salesforce orgs to a Fullcast instance and keeps the connections alive. It is what
// a Fullcast service imports.
//
// A [Connector] belongs to one [Site]. [Connector.Begin] and [Connector.Complete] run the login, [Connector.Open] returns a
// [Connection] from any process over the same store, and [Connection.HTTPClient] or [Connection.Resty] call the org.
// [ExternalClientApp] and [ConnectedApp] are the two apps as values, with every setting that Fullcast's instructions name;
// [Connection.Check] holds the app in the org against them. The package example shows all of it.
//
// # Lifecycle
//
// New connections need an external client app. Connections that were made earlier, with a connected app, are adopted
// ([Connector.Adopt]); they keep working, should migrate ([Connector.BeginMigration]), and must migrate once they are broken.
//
//	status           meaning                                               who ends it
//	active           it works
//	in doubt         the answer of a refresh is lost; calls still work     the SDK, by asking Salesforce
//	suspended        Salesforce refuses refreshes or all API calls         an admin's switch, or time; it heals by itself then
//	broken           no try with this grant can succeed                    an admin: Connector.Reconnect, or a migration
//	disconnecting    its tokens are being revoked                          Connector.KeepAlive, if it was interrupted
//
// # Errors
//
// Every error is an *[Error]. Its Remedy says who has to do what:
//
//	Retry             the service, later
//	Reauthorize       the org's admin connects again
//	AdminFixesApp     the org's admin corrects the app's settings
//	AdminFixesPolicy  the org's admin corrects a policy of the app, the org or the user
//	FixConfiguration  whoever entered login host, consumer key or secret corrects them
//	RecreateApp       the org's admin creates the external client app anew
//	Migrate           the org's admin creates the external client app; the connected app has had its time
//	ContactCSM        the customer contacts the customer success manager
//
// The cause is mostly an *oauthflow.Error, whose Sentence explains it to an admin, or a *metadata.Error. What errors.Is tells:
//
//	ErrMigrationRequired      a connected app cannot be connected anew: create the external client app, then BeginMigration
//	ErrCredentialsUnproved    UpdateCredentials: the new key has not worked yet, the old one is used on; see Remedy
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
// A service's unit test adopts a connection and mocks Salesforce with httpmock (see the examples), or runs against
// package orgtest, a Salesforce org in process.
//
// # Compatibility
//
// Before version 1.0 a minor version may break. Go 1.26 or newer.
package fullcast
