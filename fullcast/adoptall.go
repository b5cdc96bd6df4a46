package fullcast

import (
	"context"
	"iter"

	"github.com/fullcast/sfauth/oauthflow"
)

// Adoption is one connection that [Connector.AdoptAll] takes over, with what [Connector.Adopt] takes.
type Adoption struct {
	Key          oauthflow.Key
	Client       oauthflow.Client
	RefreshToken oauthflow.Secret
}

func (a Adoption) at() target { return target{a.Key, a.Client.Host} }

// AdoptAll is [Connector.Adopt] for many connections: [Config].Crew of them at once, but no more than 12 at a generic login host
// and 4 at any other. A host that asks to be left alone for two minutes at most is waited for, while the others go on. Tenants
// take turns, of the few thousand adoptions that are read ahead. Progress is told the result of each, from the calling goroutine;
// nil for nobody. One that fails does not stop the others.
//
// It is resumable: whenever it ends early, and however its process ends, the same call does the rest. A refresh token that its
// key has adopted already costs no request, and one that two keys are given is adopted under one of them alone
// ([oauthflow.ErrConnectedElsewhere]). Each refresh token is sent as Adopt sends it: once.
//
// All may read from a file or a database: it is called when there is room, from the calling goroutine. An error that it yields
// ends the reading; what was read before is adopted. When ctx ends nothing more is read or begun.
//
// The error holds an *[oauthflow.BulkError], which tells of single connections, of an error that all has yielded, and of ctx's end.
func (c *Connector) AdoptAll(ctx context.Context, all iter.Seq2[Adoption, error], progress func(Progress)) error {
	b := bulk{op: "adopt all", told: progress}
	next, stop := iter.Pull2(all)
	defer stop()
	ended := false
	var early error
	left := crewOf(c, &b, func(ctx context.Context, a Adoption) error {
		_, err := c.Adopt(ctx, a.Key, a.Client, a.RefreshToken)
		return err
	}).Run(ctx, func() (Adoption, bool) {
		a, err, more := next()
		if ended = !more || err != nil; ended {
			early = err
			return Adoption{}, false
		}
		b.total++
		return a, true
	})
	if early == nil && !ended { // nobody knows whether there is more
		early = ctx.Err()
	}
	return b.result(ctx, left, early)
}
