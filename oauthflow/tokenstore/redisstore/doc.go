// Package redisstore keeps the records of package oauthflow in Redis or Valkey, for any number of goroutines, processes
// and machines at once, over the caller's client of github.com/redis/go-redis/v9:
//
//	client := redis.NewClient(&redis.Options{Addr: "redis.internal:6379"})
//	store, err := redisstore.Open(ctx, redisstore.Config{Client: client})
//
// # What it promises
//
// A Load is one round trip, and so is a Save or Delete: a script that compares the version and writes, which the server
// runs as one step. When the server has forgotten the script, it is sent again, with one round trip more. A command that
// may have been executed is never sent again, whatever the client's MaxRetries: a conflict is always another's doing,
// and any other error leaves open whether the change was made; Load tells.
//
// # What it refuses
//
// Redis is often set up to lose the last second, or anything, when it ends. [Open] refuses such a server unless [Config]
// says that this is wanted; see [Durability]. A server loses what was acknowledged also when its replica takes over, so one
// with replicas is refused, too, unless [Config.Replicas] says how many must have a change. While they do not, nothing is
// refreshed. Nothing in Redis rules out that yet another replica takes over. Where a lost connection matters more than a
// millisecond, use sqlstore over PostgreSQL.
//
// A key that holds something else than this package wrote is refused with an error wrapping [ErrDamaged]; all others
// stay usable. After FLUSHALL there are no records, which is what Load then says.
//
// # Errors
//
// What errors.Is tells; the client's error is wrapped, too:
//
//	error                               when                                                        what to do
//	tokenstore.ErrNotFound              Load: there is no such record                               connect first
//	tokenstore.ErrConflict              Save, Delete: the record has another version                load it and decide again; a Manager does
//	ErrReplicas                         the change is made, but fewer than Config.Replicas have it  look after the replicas; a Manager refreshes nothing
//	ErrReadOnly                         the server takes no writes                                  connect to the master
//	ErrDamaged                          the key holds what this package did not write               find out who wrote it; connect that org again
//	ErrVolatile                         Open: the server or its failover may lose acknowledged writes  change what the text names, or set Config.Durability
//	context.Canceled, DeadlineExceeded  the caller left; a change may have been made                Load tells
//	of Open, naming fields of Config    Client, Prefix, Durability or Replicas will not do          correct all that the text names
//	any other                           the server or the way to it failed                          look after the server; Load tells
//
// # Keys
//
// With the prefix "sfauth", {sfauth}:record:ID is a hash with the fields version, due and data, and {sfauth}:due a
// sorted set of all ids by due time. None has an expiry. The braces keep all keys in one slot of a Redis Cluster, as
// scripts need it: the store works there, but all of it lies on one shard.
//
// # Cost
//
// A List goes through the ids that are due before the given time, 512 at a time, and reads those with the prefix, 64 at
// a time, each with one round trip. To find what is due is cheap; to find all records of a tenant, whenever they are
// due, takes about a second for a million records.
//
// Source: Redis documentation, "Redis persistence" (appendfsync), "Redis replication", "WAIT" and "Scripting with Lua".
package redisstore
