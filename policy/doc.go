// Package policy checks a Salesforce app. For each problem it says what is wrong, why it matters, and which clicks in Setup
// correct it.
//
// A [Rule] is data: it names the setting that it checks and the parts that it needs, and it has a function. A [Subject] is an app
// that was read from files or from an org. [Check] applies rules to a Subject and returns a [Report]:
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
// A set is a slice of rules. All sets above together are also a valid set. To write your own rule, make a Rule value whose Check
// calls [Pass.Find]. [Validate] checks a set. [Check] panics if the set is not valid, because a rule set is part of the program.
// Package policytest tests rules by example.
//
// # What is not seen is never right
//
// If the settings that a rule needs were not read, or if no metadata holds them, the rule is listed in [Report.NotVisible] and
// not in [Report.Passed]. The setting "Allow creation of connected apps" is always listed there: a person has to look in Setup. A
// rule of Hardening or Prerequisites that concerns only the other kind of app passes. If an element is absent, it means its
// documented default if the API version in [Subject.Version] has the element. If that version is older or unknown, and the
// default would be right, the setting counts as not seen.
//
// # Correcting, comparing, migrating
//
// [Report.Correct] changes the settings that metadata can change, and nothing else. [Diff] compares two apps field by field.
// [PlanMigration] says how a connected app becomes an external client app, and what happens to each of its settings.
//
// # Errors
//
// A problem of an app is a [Finding] of the report, never an error. Errors concern the call. None of them has a type of this
// package:
//
//	error                                when                                                                            what to do
//	of Validate, joined                  a rule lacks a field, or has the ID of another                                  correct the rule that the text names; Check panics over it
//	of PlanMigration                     from is not a connected app that was read, or to is not an external client app  pass such apps
//	of PlanMigration, a *metadata.Error  to is not valid                                                                 correct the field that the text names
//	of Write                             the Format is none of its constants                                             use one of them
//	of Write, wrapping the writer's      the writer failed                                                               errors.As gives the writer's error
//
// # Security
//
// The rules work with [metadata.AppSpec], which holds neither consumer key nor consumer secret. If a text of the app repeats one
// of these, or holds a private key or a value after a name such as password, then every report, difference and plan shows "…"
// instead of it. Text, Markdown and HTML escape all texts of the app, so that they cannot control a terminal or a browser. Time
// and size of the output are in proportion to the size of the app. A text of more than 16 KiB is cut.
//
// # Concurrency
//
// All functions are safe for concurrent use, if nobody changes the app at the same time.
package policy
