// Package driver makes random calls on connections, in virtual time, from several processes at once, while
// stores, networks, machines and admins do what they do, and judges by the org's ledger what came of it. It holds tests only.
//
// A trial is a plan, drawn from a seed; what goes wrong on the way is drawn from the same seed, by where and how often it is
// asked. So SFAUTH_DRIVER_SEED replays a trial of the mixture that SFAUTH_DRIVER_MIXTURE names, as far as goroutines that run
// at the same instant let it. SFAUTH_DRIVER_ACTS
// leaves the acts of a plan that it names. SFAUTH_DRIVER_TRIALS is how many are tried of each mixture.
package driver
