// Package policy says what is wrong with a Salesforce app, why it matters, and which clicks in Setup mend it.
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
//   - [Hardening]: settings that give away more than the product needs, as warnings
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
// # Mending, comparing, migrating
//
// [Report.Mend] changes what metadata can change, and nothing else. [Diff] compares two apps field by field.
// [PlanMigration] says how a connected app becomes an external client app, and what becomes of each of its settings.
//
// # Errors
//
// No error has a type of its own; each text says what is wrong:
//
//	error of        when                                       what to do
//	Validate        a rule lacks a field, or its ID is wrong   mend what the text names; it tells all rules at once
//	PlanMigration   one of the two is not the app it must be   give the app as read, and a spec of the new kind
//	PlanMigration   the spec is not valid                      errors.As *metadata.Error: mend the field in its Name
//	Write           the form is unknown                        use a constant of Format
//	Write           the writer failed                          errors.Is finds the writer's own error
//	Check panics    Validate refuses the rules                 call Validate in a test of the set
//
// # Security
//
// Rules read apps in Setup's words, which hold neither consumer key nor consumer secret, so no report, difference or
// plan shows one. What an app holds reaches text, Markdown and HTML escaped: it steers no terminal and no browser.
//
// # Concurrency
//
// All functions are safe for concurrent use, as long as nobody changes the app meanwhile.
package policy
