package driver

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// settle ends all trouble, and all processes, and lets one that has seen nothing look after the store.
func (tr *trial) settle() *process {
	time.Sleep(20 * time.Minute)
	tr.mu.Lock()
	tr.losing = false
	processes := slices.Clone(tr.processes)
	tr.mu.Unlock()
	must(tr.t, tr.org.SetUser(orgtest.User{Username: userName}))
	time.Sleep(10 * time.Minute)
	for _, p := range processes {
		if err := tr.end(p, false); err != nil {
			tr.accuse("Close: %v", err)
		}
	}
	tr.say("all trouble has ended, all processes are closed")
	fresh := tr.start(0)
	tr.org.ExpireSessions() // a session that lives is served to its end, also in doubt
	for _, k := range tr.keys {
		ctx, cancel := context.WithTimeout(tr.t.Context(), time.Minute)
		if err := call(ctx, tr, fresh, &did{key: k}); err != nil {
			tr.say("a call of %s: %v", k.Name, err)
		}
		cancel()
	}
	ctx, cancel := context.WithTimeout(tr.t.Context(), 3*time.Hour)
	defer cancel()
	_ = fresh.m.KeepAlive(ctx)
	return fresh
}

// judge waits until all is quiet, and looks.
func (tr *trial) judge() {
	p := tr.settle()
	at := map[int]string{} // approvals, by who holds them
	var broken []oauthflow.Key
	for _, k := range tr.keys {
		switch err := tr.usable(p, k); {
		case err == nil:
			if a := tr.lastRefreshed(); at[a] != "" {
				tr.accuse("approval %d is held by %s and %s", a, at[a], k.Name)
			} else {
				at[a] = k.Name
			}
		default:
			broken = append(broken, k)
			tr.excuse(k, err)
		}
	}
	tr.ledger()
	for _, k := range broken {
		tr.healedByALogin(p, k)
	}
	for name, n := range tr.theft {
		switch {
		case tr.endedByAdmin(tr.began): // which looks like theft
		case tr.twice(name):
			tr.accuse("%d false alarms of theft of %s, whose token was adopted under another key, too", n, name)
		case tr.movedAndEnded(name):
			tr.accuse("%d false alarms of theft of %s, which was moved there while its source was disconnected", n, name)
		case tr.fell && tr.mix.untold:
			tr.accuse("%d false alarms of theft of %s, whose store fell back and did not tell", n, name)
		default:
			tr.accuse("%d false alarms of theft of %s", n, name)
		}
	}
	if err := tr.end(p, false); err != nil {
		tr.accuse("Close: %v", err)
	}
	synctest.Wait()
	if left := ours(); left != "" {
		tr.accuse("goroutines are left after Close: %s", left)
	}
}

// ours are stacks of goroutines of this bubble in the product's code.
func ours() string {
	buf := make([]byte, 1<<20)
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "synctest bubble") && strings.Contains(stack, "/oauthflow.") {
			return stack
		}
	}
	return ""
}

// usable refreshes a connection, as its user who has patience does, with the app's present credentials where the
// connection's are refused.
func (tr *trial) usable(p *process, k oauthflow.Key) error {
	ctx, cancel := context.WithTimeout(tr.t.Context(), 30*time.Minute)
	defer cancel()
	c, err := p.m.Load(ctx, k)
	if err == nil && c.Status == oauthflow.StatusInDoubt {
		tr.accuse("%s is in doubt still, three hours after the last trouble: %v", k.Name, c.Fault)
	}
	err = tr.patiently(ctx, p, k)
	if outcome(err) == string(oauthflow.KindClient) {
		now, e := clientOf(tr.org)
		if e != nil {
			return err
		}
		if e := p.m.SetClient(ctx, k, now); e != nil {
			tr.say("SetClient of %s at the end: %v", k.Name, e)
		}
		if err = tr.patiently(ctx, p, k); outcome(err) == string(oauthflow.KindClient) && !tr.staged() {
			tr.accuse("%s is said to have wrong credentials, with those that are right: %v", k.Name, err)
		}
	}
	tr.say("%s at the end: %v", k.Name, err)
	return err
}

// patiently calls an API until that works or cannot work, and then renews.
func (tr *trial) patiently(ctx context.Context, p *process, k oauthflow.Key) error {
	for range 20 {
		short, cancel := context.WithTimeout(ctx, time.Minute)
		err := call(short, tr, p, &did{key: k})
		cancel()
		switch oauthflow.ErrorKind(outcome(err)) {
		case oauthflow.KindInDoubt, oauthflow.KindNotSent, oauthflow.KindBusy, "left":
			time.Sleep(30 * time.Second)
			continue
		case "ok":
			return p.m.Renew(ctx, k)
		}
		return err
	}
	return p.m.Renew(ctx, k)
}

// staged reports whether the app has got another consumer key.
func (tr *trial) staged() bool { return tr.happened("stage and rotate") }

func (tr *trial) happened(deed string) bool {
	return slices.ContainsFunc(tr.done, func(d *did) bool { return d.deed == deed })
}

func (tr *trial) lastRefreshed() int {
	for _, e := range slices.Backward(tr.org.Ledger()) {
		if e.Event == "refresh" && e.Outcome == "ok" {
			return e.Approval
		}
	}
	return 0
}

// ends tells when an admin ended all that was there, if one did after a time.
func (tr *trial) endedByAdmin(since time.Time) bool {
	for _, e := range tr.org.Ledger() {
		if e.Event == "setup" && !e.Time.Before(since) && (e.Detail == "revokeall" || e.Detail == "block" || e.Detail == "sandbox refreshed") {
			return true
		}
	}
	return false
}

// excuse finds out why a connection may be out of use, by what was done and what the org knows, or accuses.
func (tr *trial) excuse(k oauthflow.Key, err error) {
	// The last login that was told to be good, and that nothing came after but what keeps a connection.
	var good *did
	gone, adopted := false, false
	for _, d := range tr.done {
		ends := d.deed == "disconnect all" || d.deed == "disconnect" && d.key == k || d.deed == "move" && d.to != d.key && (d.key == k || d.to == k)
		switch {
		case ends:
			gone = true // what was there before, or was made at the same time
		case (d.deed == "login" || d.deed == "migrate") && d.key == k && d.err == nil && !d.till.IsZero():
			if good == nil || d.from.After(good.from) {
				good = d
			}
		case strings.HasPrefix(d.deed, "adopt") && (d.key == k || d.to == k):
			adopted = true
		}
	}
	if gone {
		last := time.Time{}
		for _, d := range tr.done {
			if d.deed == "disconnect all" || d.deed == "disconnect" && d.key == k || d.deed == "move" && d.to != d.key && (d.key == k || d.to == k) {
				if d.till.IsZero() || d.till.After(last) {
					last = d.till
				}
			}
		}
		gone = good == nil || !good.from.After(last)
	}
	tr.truth.mu.Lock()
	defer tr.truth.mu.Unlock()
	why := ""
	for a, f := range tr.truth.families {
		if f.keys[k.Name] && f.hit != "" && (good == nil || f.made == nil || f.made.till.IsZero() || !f.made.till.Before(good.from) || f.made.key != k) {
			why = fmt.Sprintf("approval %d: %s", a, f.hit)
		}
	}
	since := tr.began
	if good != nil {
		since = good.from
	}
	switch o := outcome(err); {
	case tr.copied:
		switch oauthflow.ErrorKind(o) {
		case oauthflow.KindGrantDead, oauthflow.KindClient, oauthflow.KindAppMissing, oauthflow.KindOrgChanged, oauthflow.KindNotConnected, oauthflow.KindOrgGone:
		default:
			tr.accuse("after the sandbox was refreshed %s is told %v", k.Name, err)
		}
	case o == string(oauthflow.KindNotConnected) && (gone || tr.fell):
	case o == string(oauthflow.KindNotConnected):
		tr.accuse("%s has vanished; nobody disconnected it", k.Name)
	case o == string(oauthflow.KindGrantDead) && tr.fell && tr.revoked(k) && strings.Contains(err.Error(), "its answer was lost"):
		tr.accuse("the store has lost a login, move or disconnection, and %s is told that an answer was lost", k.Name)
	case o == string(oauthflow.KindGrantDead) && tr.fell && tr.revoked(k) && !gone && tr.mix.on == told:
		tr.accuse("the store has lost a login or move, and what it had replaced at %s was revoked already", k.Name)
	case o == string(oauthflow.KindGrantDead) && (tr.endedByAdmin(since) || why != "" || gone && adopted || tr.fell && (gone || tr.revoked(k))):
	case o == string(oauthflow.KindElsewhere) && adopted:
	case (o == string(oauthflow.KindClient) || o == string(oauthflow.KindAppMissing)) && tr.staged(): // under the new consumer key nobody has logged in
	case o == string(oauthflow.KindGrantDead):
		tr.accuse("%s is lost: %v", k.Name, err)
	default:
		tr.accuse("%s does not end: %v", k.Name, err)
	}
}

// revoked reports whether a grant of a connection was revoked that no later refresh was made with.
func (tr *trial) revoked(k oauthflow.Key) bool {
	ended := 0
	for _, e := range tr.org.Ledger() {
		switch f := tr.truth.families[e.Approval]; {
		case f == nil || !f.keys[k.Name]:
		case e.Event == "refresh" && e.Outcome != "ok":
			if e.Approval == ended {
				return true
			}
		case e.Event == "revoke" && e.Presented > 0:
			ended = e.Approval
		}
	}
	return false
}

// ledger looks for what must not be in it.
func (tr *trial) ledger() {
	reused := map[int]int{}
	tr.truth.mu.Lock()
	defer tr.truth.mu.Unlock()
	for _, e := range tr.org.Ledger() {
		f := tr.truth.family(e.Approval)
		switch {
		case e.Event == "refresh" && e.Outcome == "reuse":
			reused[e.Approval]++
		case e.Event == "revoke" && e.Presented > 0 && f.made != nil && !tr.givenUp(f, e.Time) && tr.moveBroken(f):
			tr.accuse("approval %d of %s was revoked by a move that was interrupted before its login began", e.Approval, f.made.key.Name)
		case e.Event == "revoke" && e.Presented > 0 && f.made != nil && !tr.givenUp(f, e.Time):
			tr.accuse("approval %d of %s was revoked, and nobody had given it up", e.Approval, f.made.key.Name)
		}
	}
	if tr.mix.untold && tr.fell {
		return // counted by who asks
	}
	for a, n := range reused {
		switch f := tr.truth.family(a); {
		case f.hit == "":
			tr.accuse("approval %d was replayed %d times, and nothing of it was lost", a, n)
		case n > 1:
			tr.accuse("approval %d was replayed %d times", a, n)
		}
		if tr.truth.family(a).cruel {
			tr.accuse("approval %d was replayed while a session lived", a)
		}
	}
}

// moveBroken reports whether a move to where an approval was made had failed before.
func (tr *trial) moveBroken(f *family) bool {
	return slices.ContainsFunc(tr.done, func(d *did) bool {
		moves := d.deed == "migrate" && f.keys[d.key.Name] || d.deed == "move" && f.keys[d.to.Name]
		return moves && d.err != nil && d.from.Before(f.made.from)
	})
}

// twice reports whether a connection's token was given to two keys.
func (tr *trial) twice(name string) bool {
	return slices.ContainsFunc(tr.done, func(d *did) bool {
		return d.deed == "adopt twice" && (d.key.Name == name || d.to.Name == name)
	})
}

// movedAndEnded reports whether a move to a connection failed while its source was being disconnected.
func (tr *trial) movedAndEnded(name string) bool {
	return slices.ContainsFunc(tr.done, func(m *did) bool {
		return m.deed == "move" && m.to.Name == name && m.err != nil && slices.ContainsFunc(tr.done, func(d *did) bool {
			ends := d.deed == "disconnect all" || d.deed == "disconnect" && d.key == m.key
			return ends && d.from.Before(m.till) && m.from.Before(d.till)
		})
	})
}

// givenUp reports whether somebody did what ends an approval, before the given time.
func (tr *trial) givenUp(f *family, by time.Time) bool {
	if f.made.err != nil || f.made.till.IsZero() || f.hit != "" {
		return true
	}
	for _, d := range tr.done {
		if d == f.made || d.from.After(by) || !d.till.IsZero() && d.till.Before(f.made.from) {
			continue
		}
		switch d.deed {
		case "disconnect all":
			return true
		case "disconnect", "login", "migrate":
			if f.keys[d.key.Name] {
				return true
			}
		case "move", "adopt", "adopt twice":
			if f.keys[d.key.Name] || f.keys[d.to.Name] {
				return true
			}
		}
	}
	return false
}

// healedByALogin logs in where a connection is out of use.
func (tr *trial) healedByALogin(p *process, k oauthflow.Key) {
	if tr.copied {
		return
	}
	ctx, cancel := context.WithTimeout(tr.t.Context(), 30*time.Minute)
	defer cancel()
	d := &did{act: act{deed: "login"}, key: k, from: time.Now()}
	tr.mu.Lock()
	tr.done = append(tr.done, d)
	tr.processes = []*process{p}
	tr.mu.Unlock()
	if err := login(ctx, tr, p, d); err != nil {
		tr.accuse("%s cannot be connected again: %v", k.Name, err)
		return
	}
	if err := p.m.Renew(ctx, k); err != nil {
		tr.accuse("%s is out of use after a login: %v", k.Name, err)
	}
}

// report is the trial in the order in which it happened, short enough to be read.
func (tr *trial) report() string {
	var lines []string
	for _, d := range tr.done {
		end := "goes on"
		if !d.till.IsZero() {
			end = fmt.Sprintf("%s: %v", strings.TrimSpace(tr.at(d.till)), d.err)
		}
		lines = append(lines, fmt.Sprintf("%s act %d: process %d, %s of %s (%s) until %s", tr.at(d.from), d.number, d.process%len(tr.processes), d.deed, d.key.Name, d.to.Name, end))
	}
	lines = append(lines, tr.said...)
	for _, e := range tr.org.Ledger() {
		if e.Event == "api" || e.Event == "authorize" || e.Event == "identity" || e.Event == "userinfo" {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s     org: %s of approval %d, token %d gives %d: %s %s", tr.at(e.Time), e.Event, e.Approval, e.Presented, e.Issued, e.Outcome, e.Detail))
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(a[:11], b[:11]) })
	return strings.Join(lines, "\n")
}
