// Package byhand is a client for customers' Salesforce orgs as a good engineer writes it in a day, with golang.org/x/oauth2 and two
// tables, 181 lines; and beside it the same with package fullcast, 34 lines. Both are put through the same faults at a simulated org, in
// virtual time; table.md tells what became of the connection:
//
//	go test ./examples/byhand -run Table
//
// [Client] has what such code should have: PKCE, a state that is bound to the session and used once, secrets sealed with AES-GCM, a
// refresh under a lock that processes share and that looks first whether another has refreshed, a rotated refresh token that is
// saved before its access token is used, and a refresh that outlives its caller. So it does well where several processes meet, with
// JWTs, with a secret that is changed, and with a policy that is set back.
//
// Each further fault is a rule that somebody has to know before it happens, and then a few lines: a job that refreshes what nobody
// has used for three weeks; a redirect of the token endpoint that is followed with a POST, and to Salesforce alone (with 307,
// net/http follows it to any host, and takes the consumer secret along); words of an "invalid_grant" that do not mean the end.
//
// Neither saves a connection whose new refresh token was lost on the way. Package fullcast asks Salesforce what has become of the old
// one before it sends it again, which costs requests, and tells the admin what has happened.
package byhand
