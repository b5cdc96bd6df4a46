// Package tokenstore defines the store for tokens, and encrypts ("seals") the records in it. A [Store] keeps records. A record
// has an id, a version, a due time and sealed data. [Memory] is a store for tests. Packages filestore, sqlstore and redisstore
// are stores for production. Package storetest tests a store that you write. A [Keyring] holds the keys that seal the records.
//
// Most services open a store, make a Keyring, and pass both to fullcast.Config.
//
// # Errors
//
//	errors.Is, errors.As             when                                           what to do
//	ErrNotFound                      Load: there is no such record                  connect first
//	ErrConflict                      Save, Delete: the record has another version   load it and decide again, as a Manager does
//	ErrNotDurable                    Save, Delete: a failover may undo the change   check the store's replicas
//	ErrInvalidRecord, a *FieldError  Save: the record breaks the rules of [Record]  correct the field that the text names
//	ErrForeignRecord                 the store returned another record              check the store's collation, cache and rows
//	a *FieldError                    NewKeyring: a key or an id cannot be used      correct the field that the text names
//
// # Security
//
// A [Sealer] encrypts the data of each record with AES-256-GCM. Each record has its own key: HKDF-SHA256 derives it from the
// sealing key and a random salt. The encryption binds the data to the environment, the id and the version of the record. An
// attacker that reads the store and does not have the sealing keys sees ids, versions, due times, the size of the data and the id
// of the sealing key. It sees no secret.
//
// # Concurrency
//
// All functions and methods are safe for concurrent use.
//
// # Compatibility
//
// The exported names follow semantic versioning. A Sealer opens the records that earlier versions of this package sealed. The
// only exception are records from versions before v0.1.0 that hold an encrypted key; see [Sealer].
package tokenstore
