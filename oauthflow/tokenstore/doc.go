// Package tokenstore says what a store of tokens is, and seals what it keeps. A [Store] holds records: an id, a version, a time at
// which somebody must look at it, and sealed data. [Memory] is one for tests; filestore, sqlstore and redisstore are others, and
// storetest proves one of your own. A [Keyring] holds the keys that seal the records.
//
// Most services open a store, make a Keyring, and give both to fullcast.Config.
//
// # Errors
//
//	errors.Is, errors.As             when                                           what to do
//	ErrNotFound                      Load: there is no such record                  connect first
//	ErrConflict                      Save, Delete: the record has another version   load it and decide again; a Manager does
//	ErrNotDurable                    Save, Delete: a failover may undo the change   look after the store's replicas
//	ErrInvalidRecord, a *FieldError  Save: the record breaks the rules of [Record]  correct the field that the text names
//	ErrForeignRecord                 the answer is not what was asked for           look at the store's collation, cache and rows
//	a *FieldError                    NewKeyring: a key or an id cannot be used      correct the field that the text names
//
// # Security
//
// Data are sealed with AES-256-GCM under a key of their own, which HKDF-SHA256 makes from the sealing key and a random salt. The seal
// binds them to environment, id and version. So who has the store and not the keys learns when records change, and nothing else.
//
// # Concurrency
//
// All functions and methods may be called from many goroutines at once.
//
// # Compatibility
//
// The exported names follow semantic versioning. A record that an earlier version sealed opens.
package tokenstore
