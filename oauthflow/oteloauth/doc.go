// Package oteloauth tells OpenTelemetry what happens to connections:
//
//	bridge, err := oteloauth.New(oteloauth.Config{})
//	…
//	manager, err := oauthflow.NewManager(oauthflow.ManagerConfig{Observe: bridge.Observe /* … */})
//	…
//	err = oteloauth.Watch(bridge, manager.List, "")
//
// It uses OpenTelemetry's API alone: where the program sets up no SDK, nothing is recorded.
//
// # Metrics
//
//	sfauth.events             counter; sfauth.event.type: the event's type; error.type: its error's Kind, where it has one
//	sfauth.refresh.duration   histogram in seconds of the refreshes that were answered with a token
//	sfauth.connection.count   gauge of Watch; sfauth.connection.status: its Status, or "unreadable"; sfauth.app.kind
//
// The values of attributes are those of package oauthflow, in lower case and with underscores: an event of EventReplay, "replay
// suspected", is counted as replay_suspected, a connection with an app of kind ExternalClientApp as external_client_app.
//
// Worth an alert: any event replay_suspected, foreign_record, user_changed, org_changed or events_missed; broken,
// suspended and in_doubt more often than usual; connections whose status is broken or unreadable. The project's page
// "Running it in production" says what to do about each.
//
// # Errors
//
//	error                       when                                                 what to do
//	of New                      the MeterProvider refuses an instrument              it is wrapped; see to the provider's views
//	of Watch                    the MeterProvider refuses the gauge or its callback  the same; without the gauge all else is told
//	to the SDK's error handler  the list of Watch took longer than the reader waits  a longer timeout; connections are not counted by half
//
// # Spans
//
// [Bridge.Transport] makes a client span of each request. It is named for the method and, at Salesforce's OAuth endpoints,
// the path. It injects nothing into the request: Salesforce is not told of traces. It takes no check of certificates and addresses from
// the requests: it tells package oauthflow what is inside (oauthflow.TransportLayer).
//
// # What is not told
//
// No token, code, secret, query or body, no consumer key, no id of a user or org, and no other path: that of an identity
// URL names org and user. Metrics do not tell connections apart either: with thousands of tenants each series would be
// multiplied by them. Config.Label adds what a service can afford. Spans have server.address, a customer's My Domain.
package oteloauth
