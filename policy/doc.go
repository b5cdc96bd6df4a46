// Package policy says what is wrong with a Salesforce app, why it matters, and which clicks in Setup correct it.
//
// A [Rule] is data: what it judges, what it needs to see, and a function. [Check] runs rules over a [Subject], an app
// as it was read from files or from an org, and returns a [Report]:
//
//	want := fullcast.ExternalClientApp(fullcast.Production, "")
//	report := policy.Check(policy.Subject{App: app}, policy.Baseline(want)...)
//	fmt.Print(report)
//
// # Rule sets
//
//   - [Baseline]: one rule for each field that a [metadata.AppSpec] lists, and none for any other
//   - [Prerequisites]: switches of the org, as notes
//   - [Hardening]: settings that give away more than the product needs, as warnings, or end the connection, as errors
//   - [PartnerRequirements2026]: Salesforce's requirements for partners' apps, opt-in, as warnings
//
// Sets are slices, and those above make one set together. A rule of one's own is a Rule value whose Check calls
// [Pass.Find]. [Validate] tells whether a set is well made; Check panics over one that is not, because a rule set is
// part of the program. Package policytest tests rules by example.
//
// # What is not seen is never right
//
// A rule whose settings were not read, or which no metadata holds, ends up in [Report.NotVisible], never in
// [Report.Passed]. "Allow creation of connected apps" always does: a person has to look. An absent element means its
// documented default where [Subject.Version] has the element, and nothing where the version is older or unknown and
// the default would be right.
//
// # Correcting, comparing, migrating
//
// [Report.Correct] changes what metadata can change, and nothing else. [Diff] compares two apps field by field.
// [PlanMigration] says how a connected app becomes an external client app, and what becomes of each of its settings.
//
// # Errors
//
// What is wrong with an app is a [Finding] of the report, never an error. Errors are about the call, and none has a type:
//
//	error                                when                                                                  what to do
//	of Validate, joined                  a rule lacks something, or has another's ID                           correct the rule that the text names; Check panics over it
//	of PlanMigration                     from is no connected app that was read, or to no external client app  give it those
//	of PlanMigration, a *metadata.Error  to is not valid                                                       correct the field that the text names
//	of Write                             the Format is none of its constants                                   use one of them
//	of Write, wrapping the writer's      the writer failed                                                     errors.As gives the writer's error
//
// # Security
//
// Rules read apps in Setup's words, which hold neither consumer key nor consumer secret. Where a text of the app repeats one,
// or holds a private key or a value after a name such as password, every report, difference and plan has "…" in its place.
// What an app holds reaches text, Markdown and HTML escaped: it steers no terminal and no browser. Time and output are in
// proportion to the size of the app; a text of more than 16 KiB is cut.
//
// # Concurrency
//
// All functions are safe for concurrent use, as long as nobody changes the app meanwhile.
package policy
