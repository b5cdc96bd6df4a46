package fullcast

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fullcast/sfauth/internal/crew"
	"github.com/fullcast/sfauth/oauthflow"
)

const (
	defaultCrew   = 16               // Config.Crew
	atGenericHost = 12               // connections at work at once at a host that serves all orgs; a manager sends 16 refreshes to one
	atOwnHost     = 4                // the same at a host of one org
	unsaidPause   = 10 * time.Second // of a host that asks to be left alone, and does not say for how long
)

// Progress is one step of a call that deals with many connections.
type Progress struct {
	Done  int           // connections dealt with, this one included
	Total int           // all that are to be dealt with; of [Connector.AdoptAll] those that were read so far
	Key   oauthflow.Key // the connection
	Err   error         // why it was not dealt with; nil when it was. An *[Error], whose Remedy says what to do
}

// target is a connection that is to be dealt with, and the login host that is asked for it.
type target struct {
	key  oauthflow.Key
	host oauthflow.Host
}

func (t target) at() target { return t }

// bulk is a call that deals with many connections.
type bulk struct {
	op          string
	tally       crew.Tally[oauthflow.ErrorKind]
	done, total int
	told        func(Progress)
}

func (b *bulk) add(k oauthflow.Key, err error) {
	b.tally.Add(kindOf(err), err)
	if b.done++; b.told != nil {
		b.told(Progress{Done: b.done, Total: b.total, Key: k, Err: err})
	}
}

// result returns nil when nothing has failed and nothing is left. Early is why the call ended early, where that is not ctx's end.
func (b *bulk) result(ctx context.Context, left int, early error) error {
	if left > 0 && early == nil {
		early = ctx.Err()
	}
	if b.tally.Failed == 0 && early == nil {
		return nil
	}
	return &Error{Op: b.op, Remedy: Retry, Err: &oauthflow.BulkError{
		Op: b.op, Done: b.tally.Done, Failed: b.tally.Failed, Left: left, Kinds: b.tally.Kinds, Errs: b.tally.Errs, Err: early,
	}}
}

// crewOf returns the job that deals with connections, and tells b.
func crewOf[T interface{ at() target }](c *Connector, b *bulk, do func(context.Context, T) error) crew.Job[T] {
	return crew.Job[T]{
		Places: c.crew,
		Of:     func(item T) (tenant, host string) { t := item.at(); return t.key.Tenant, t.host.String() },
		AtHost: placesAt,
		Shared: generic,
		Do:     do,
		Wait:   pauseOf,
		Told:   func(item T, err error) { b.add(item.at().key, err) },
	}
}

// generic reports whether a host serves all orgs, so that it may mean one tenant's when it asks to be left alone.
func generic(host string) bool {
	h, err := oauthflow.ParseHost(host)
	return err == nil && h.Generic()
}

func placesAt(host string) int {
	if generic(host) {
		return atGenericHost
	}
	return atOwnHost
}

// pauseOf returns for how long the host whose answer or silence an error tells of is to be left alone, where the same call may
// succeed then; 0 for every other error.
func pauseOf(err error) time.Duration {
	var e *oauthflow.Error
	switch {
	case !errors.As(err, &e):
		return 0
	case e.RetryAfter == 0 && (e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable):
		return unsaidPause
	case e.Kind == oauthflow.KindBusy, e.Kind == oauthflow.KindNotSent:
		return e.RetryAfter
	}
	return 0
}

func kindOf(err error) oauthflow.ErrorKind {
	var e *oauthflow.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}
