// Package sfauth is the root of the Salesforce connection SDK that Fullcast services embed. It holds no code, only the
// map:
//
//   - [github.com/fullcast/sfauth/fullcast] is the front door: the two app specs, connect, open, check, disconnect.
//     [github.com/fullcast/sfauth/fullcast/adminui], which is experimental, serves the pages of a customer's admin.
//   - [github.com/fullcast/sfauth/oauthflow] speaks OAuth 2.0 with Salesforce and owns tokens: one refresh at a time,
//     stored encrypted, never lost by our own doing.
//   - [github.com/fullcast/sfauth/metadata] reads, writes and deploys an app as Salesforce metadata.
//   - [github.com/fullcast/sfauth/policy] says what is wrong with an app and which clicks correct it.
//   - [github.com/fullcast/sfauth/oauthflow/tokenstore] says what a store is and seals what it keeps.
//     [github.com/fullcast/sfauth/oauthflow/tokenstore/filestore] is one, and as modules of their own
//     [github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore] and [github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore];
//     [github.com/fullcast/sfauth/oauthflow/tokenstore/storetest] proves any other.
//   - [github.com/fullcast/sfauth/oauthflow/oteloauth], a module of its own, tells OpenTelemetry.
//   - [github.com/fullcast/sfauth/fullcast/fullcasttest] is what a service tests its connections with: a customer's org, a browser
//     and mocked answers. [github.com/fullcast/sfauth/oauthflow/orgtest] is the org in it, and
//     [github.com/fullcast/sfauth/policy/policytest] tests rules by example.
//
// Start with examples/quickstart, which runs without a Salesforce org.
package sfauth
