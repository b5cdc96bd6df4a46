package driver

import "time"

// mixture is what is done and what goes wrong, in odds.
type mixture struct {
	name   string
	on     backEnd
	deeds  map[string]int // weights; of those not named none
	net    network
	disk   disk
	clocks time.Duration // how far the clocks of processes are from the org's, at most
	deaths bool          // processes may die

	// untold says that stores fail over without telling, where a spent token may be sent: it is counted. But nobody is told
	// of theft, and one login is enough.
	untold bool

	// untried are deeds that the trials leave out. A Move that a failover takes apart leaves one refresh token under two keys, which
	// shows as a replay: another sentence than those of the known flaws, and too wide for one.
	untried []string

	secret bool // of a failover the judge is not told, either: it has to find out
}

// network is how often, of 1000 OAuth requests, what happens.
type network struct{ unsent, lost, gatewayBefore, gatewayAfter, busyBefore, busyAfter, slow int }

// disk is how often, of 1000 changes of a record, what happens.
type disk struct{ before, after, slow, notDurable int }

var usual = map[string]int{
	"call": 15, "token": 5, "replace": 10, "renew": 15, "sessions end": 15, "login": 10, "disconnect": 4, "disconnect all": 1,
	"new secret": 4, "wrong secret": 4, "move": 5, "migrate": 6, "adopt": 4, "adopt twice": 3, "reseal": 3, "keep alive": 4, "restart": 3,
}

// with returns weights with others in place of some.
func with(base, change map[string]int) map[string]int {
	all := map[string]int{}
	for name, w := range base {
		all[name] = w
	}
	for name, w := range change {
		all[name] = w
	}
	return all
}

var (
	lossyNet  = network{unsent: 50, lost: 60, gatewayBefore: 20, gatewayAfter: 20, busyBefore: 20, busyAfter: 20, slow: 150}
	lossyDisk = disk{before: 20, after: 20, slow: 60, notDurable: 5}
)

var mixtures = []mixture{
	{name: "calm", on: memory, deeds: usual},
	{name: "calm, files", on: files, deeds: usual},
	{name: "calm, SQLite", on: sqlite, deeds: usual},
	{name: "clocks apart", on: memory, deeds: with(usual, map[string]int{"clock jumps": 5, "suspended": 4}), clocks: 2 * time.Minute, net: network{slow: 100}},
	{name: "late answers", on: memory, deeds: usual, net: network{slow: 400}, disk: disk{slow: 150}},
	{name: "store", on: memory, deeds: usual, disk: disk{before: 60, after: 80, slow: 100, notDurable: 20}},
	{name: "network", on: memory, deeds: usual, net: lossyNet},
	{name: "deaths", on: memory, deeds: with(usual, map[string]int{"death": 8}), deaths: true},
	{name: "lossy", on: memory, deeds: with(usual, map[string]int{"death": 5, "suspended": 2}), net: lossyNet, disk: lossyDisk, deaths: true},
	{name: "lossy, files", on: files, deeds: with(usual, map[string]int{"death": 5}), net: lossyNet, disk: lossyDisk, deaths: true},
	{name: "admin", on: memory, deeds: with(usual, map[string]int{"revoke all": 2, "freeze": 4, "block": 2, "rename": 3, "rotate secret": 3, "stage and rotate": 2})},
	{name: "admin, lossy", on: memory, deeds: with(usual, map[string]int{"revoke all": 2, "freeze": 4, "rename": 2, "rotate secret": 4, "new secret": 8, "death": 3}), net: lossyNet, disk: lossyDisk, deaths: true},
	{name: "failover told", on: told, untried: []string{"move"}, deeds: with(usual, map[string]int{"failover": 6}), disk: disk{slow: 100}},
	{name: "failover told, lossy", on: told, untried: []string{"move"}, deeds: with(usual, map[string]int{"failover": 6, "death": 3}), net: lossyNet, disk: lossyDisk, deaths: true},
	{name: "failover not told", on: untold, deeds: with(usual, map[string]int{"failover": 6}), disk: disk{slow: 50}, untold: true},
	{name: "logins, store", on: memory, deeds: map[string]int{"login": 20, "migrate": 10, "move": 10, "disconnect": 5, "renew": 5, "adopt": 5, "sessions end": 3, "keep alive": 3},
		disk: disk{before: 30, after: 150, slow: 250, notDurable: 10}},
	{name: "credentials, lossy", on: memory, deeds: map[string]int{"new secret": 20, "wrong secret": 10, "rotate secret": 10, "renew": 15, "call": 10, "sessions end": 15, "replace": 5, "login": 4, "revoke all": 1},
		net: lossyNet},
	{name: "sandbox", on: memory, deeds: with(usual, map[string]int{"refresh sandbox": 2, "call": 20, "keep alive": 8, "adopt": 0, "adopt twice": 0})},
}
