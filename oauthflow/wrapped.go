package oauthflow

import "context"

// WrappedKeys returns the wrapped keys that records of a store name, in the order of their first records, each once and
// without its Key. Versions before v0.1.0 made one for each process. For the way over to a plain sealing key, have the KMS
// decrypt each, give it to [NewKeys] as a former key, and run [Manager.Reseal].
//
// Do so once and by hand, and keep the keys with the sealing key; do not repeat it at each start. What a record names is
// not authenticated: anyone who may write to the store and encrypt with the KMS can add a key of his own to what is
// returned here, together with records that it opens. Compare their number with the number of processes that have run.
// What is added later stays closed.
//
// The error is the store's.
func WrappedKeys(ctx context.Context, store Store) (keys []SealingKey, err error) {
	defer recovered(&err)
	seen := map[keyName]bool{}
	for r, err := range store.List(ctx, "", afterAll) {
		if err != nil {
			return nil, storeError("wrapped keys", err)
		}
		h, err := readHead(r.Data)
		if err != nil || h.key.wrapped == "" || seen[h.key] || !isKeyID(h.key.id) { // damaged, or of a plain key
			continue
		}
		seen[h.key] = true
		keys = append(keys, SealingKey{ID: h.key.id, Wrapped: []byte(h.key.wrapped)})
	}
	return keys, nil
}
