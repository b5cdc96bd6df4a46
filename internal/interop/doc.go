// Package interop holds tests in which software that others wrote judges this SDK, so that no test is right only
// because client and server share one author's misreading.
//
//   - A certified OpenID provider (npm oidc-provider) stands where Salesforce's login host would, under a production
//     name, over TLS; the SDK connects, calls, refreshes and disconnects there as it would in production.
//   - The in-process org (package orgtest) is judged by clients: npm jsforce, which also deploys the SDK's package into it,
//     reads it back and queries records; go-oidc, zitadel/oidc, hashicorp/cap and npm oauth4webapi.
//   - Salesforce's own tooling (npm @salesforce/source-deploy-retrieve) resolves and converts the apps, deploys them into
//     the in-process org and deletes them there.
//   - Salesforce's published types and schema judge each field, and the schema of SARIF judges the reports.
//   - libopenapi-validator judges the document of the admin API, and requests and answers by it.
//   - Connected apps of real orgs are read, checked and printed, beside a second reading of the same files.
//
// The tests need Node.js and, in the folder node, one "npm ci". Without them they skip, unless
// SFAUTH_REQUIRE_SERVICES is 1. Nothing leaves the loopback interface.
package interop
