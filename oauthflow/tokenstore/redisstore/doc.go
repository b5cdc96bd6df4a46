// Package redisstore keeps the records of package oauthflow in Redis or Valkey. Many goroutines, processes and machines may use
// it at the same time. The caller creates the client with github.com/redis/go-redis/v9:
//
//	client := redis.NewClient(&redis.Options{Addr: "redis.internal:6379"})
//	store, err := redisstore.Open(ctx, redisstore.Config{Client: client})
//
// # What it promises
//
// A Load, Save or Delete is one round trip. Save and Delete run a script that compares the version and writes; the server runs a
// script as one step. If the server does not have the script in its cache, the store sends it again, with one more round trip.
// The store never sends a command twice if the server may have executed it, for every value of the client's MaxRetries. So
// ErrConflict always means that another caller changed the record. After any other error the change may or may not be made. Call
// Load to find out.
//
// # What it refuses
//
// Many Redis servers are configured so that they lose the last second of writes, or all writes, when they stop. [Open] refuses
// such a server, unless [Config] accepts it; see [Durability]. A server also loses acknowledged writes when its replica takes
// over. So Open refuses a server with replicas, unless [Config.Replicas] says how many replicas must have a change. While fewer
// replicas have it, a Manager refreshes nothing. Redis cannot exclude that another replica takes over, which does not have the
// change. If a lost connection matters more to you than a millisecond, use sqlstore with PostgreSQL.
//
// If a key holds data that this package did not write, its record is refused with an error that wraps [ErrDamaged]. All other
// records stay usable. After FLUSHALL there are no records, and Load returns tokenstore.ErrNotFound.
//
// # Errors
//
// Test for errors with errors.Is. The client's error is wrapped, too:
//
//	error                               when                                                           what to do
//	tokenstore.ErrNotFound              Load: there is no such record                                  connect first
//	tokenstore.ErrConflict              Save, Delete: the record has another version                   load it and decide again, as a Manager does
//	ErrReplicas                         the change is made, but fewer than Config.Replicas have it     check the replicas; a Manager refreshes nothing meanwhile
//	ErrReadOnly                         the server accepts no writes                                   connect to the master
//	ErrDamaged                          the key holds data that this package did not write             find out who wrote it; connect that org again
//	ErrVolatile                         Open: the server or its failover may lose acknowledged writes  change what the text names, or set Config.Durability
//	context.Canceled, DeadlineExceeded  ctx is done; a change may have been made                       call Load to find out
//	of Open, naming fields of Config    Client, Prefix, Durability or Replicas is wrong                correct all that the text names
//	any other                           the server or the network failed                               check the server; call Load to find out
//
// # Keys
//
// With the prefix "sfauth" the keys are: {sfauth}:record:ID, a hash with the fields version, due and data; and {sfauth}:due, a
// sorted set of all ids by due time. No key has an expiry. The braces put all keys into one slot of a Redis Cluster, because the
// scripts need that. So the store works with a cluster, and all its keys are on one shard.
//
// # Cost
//
// A List reads the ids that are due before the given time, 512 in one round trip. Then it reads the records that have the prefix,
// 64 in one round trip. A List of what is due is fast. A List of all records of one tenant, with any due time, takes about one
// second for a million records.
//
// Source: Redis documentation, "Redis persistence" (appendfsync), "Redis replication", "WAIT" and "Scripting with Lua".
package redisstore
