package oauthflow

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// SealingKey is one key that seals records: either plain, or one that only a KMS knows. Exactly one of Key and Wrapper
// is set.
type SealingKey struct {
	ID      string     // 1–32 bytes of letters, digits, "-", "_", "."; stands in clear in every record
	Key     Secret     // 32 random bytes in standard base64, as "openssl rand -base64 32" prints them
	Wrapper KeyWrapper // wraps the keys that this package makes
}

// KeyWrapper wraps keys with a key that never leaves a KMS or an HSM. It is asked once for each process that seals and
// once for each process whose records are opened, not once a record. Its methods may be called from many goroutines.
type KeyWrapper interface {
	// Wrap returns the 32 bytes of key encrypted, at most 4 KiB.
	Wrap(ctx context.Context, key []byte) (wrapped []byte, err error)
	// Unwrap returns what was given to Wrap.
	Unwrap(ctx context.Context, wrapped []byte) (key []byte, err error)
}

// GenerateSealingKey returns a fresh key. Keep it outside the store: who has both has the tokens.
func GenerateSealingKey(id string) SealingKey {
	return SealingKey{ID: id, Key: NewSecret(base64.StdEncoding.EncodeToString(freshKey()))}
}

func freshKey() []byte {
	b := make([]byte, sealKeySize)
	rand.Read(b)
	return b
}

// Keys seal and open records: one key seals, and all of them open.
type Keys struct {
	current string
	byID    map[string]*keyring
}

// NewKeys returns Keys that seal with current and open with current and former keys. [Manager.Reseal] makes the former
// ones superfluous. Errors are of [KindInvalid].
func NewKeys(current SealingKey, former ...SealingKey) (*Keys, error) {
	const op = "new keys"
	k := &Keys{current: current.ID, byID: map[string]*keyring{}}
	for i, sk := range append([]SealingKey{current}, former...) {
		field := "current"
		if i > 0 {
			field = fmt.Sprintf("former[%d]", i-1)
		}
		if !isKeyID(sk.ID) {
			return nil, invalid(op, field+".ID", "must be 1 to 32 letters, digits, dashes, underscores or dots")
		}
		if _, twice := k.byID[sk.ID]; twice {
			return nil, invalid(op, field+".ID", fmt.Sprintf("%q is used twice", sk.ID))
		}
		if sk.Wrapper != nil && !sk.Key.IsZero() {
			return nil, invalid(op, field, "has both Key and Wrapper")
		}
		r := &keyring{wrapper: sk.Wrapper, turn: make(chan struct{}, 1), opened: map[string]Secret{}}
		if sk.Wrapper == nil {
			raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(sk.Key.Reveal()))
			if err != nil || len(raw) != sealKeySize {
				return nil, invalid(op, field+".Key", "must be 32 bytes in base64, as \"openssl rand -base64 32\" prints them")
			}
			r.key = NewSecret(string(raw))
		}
		k.byID[sk.ID] = r
	}
	return k, nil
}

func isKeyID(s string) bool {
	return s != "" && len(s) <= 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return notAlphanumeric(r) && !strings.ContainsRune("-_.", r)
	})
}

var errKeyUnavailable = errors.New("the sealing key cannot be unwrapped at the moment")

const (
	maxWrapped = 4 << 10
	maxOpened  = 4096 // unwrapped keys kept; one for each process that has sealed
)

// keyring is one sealing key at work. Behind a wrapper it is a family of keys: each process seals with one of its own.
type keyring struct {
	wrapper KeyWrapper
	turn    chan struct{} // of who asks the wrapper; the others wait, and find what they need

	mu      sync.Mutex
	key     Secret // that seals here; empty until it is needed
	wrapped []byte // its wrapped form; nil without a wrapper
	opened  map[string]Secret
}

// known returns the key to seal with.
func (r *keyring) known() (Secret, []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.key, r.wrapped
}

// sealing returns the key to seal with and its wrapped form.
func (r *keyring) sealing(ctx context.Context) (Secret, []byte, error) {
	if key, wrapped := r.known(); !key.IsZero() {
		return key, wrapped, nil
	}
	if err := r.enter(ctx); err != nil {
		return Secret{}, nil, err
	}
	defer r.leave()
	if key, wrapped := r.known(); !key.IsZero() {
		return key, wrapped, nil
	}
	fresh := freshKey()
	wrapped, err := contained(func() ([]byte, error) { return r.wrapper.Wrap(ctx, fresh) })
	if err != nil || len(wrapped) == 0 || len(wrapped) > maxWrapped {
		return Secret{}, nil, errors.Join(errKeyUnavailable, wrapperError(err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.key, r.wrapped = NewSecret(string(fresh)), wrapped
	return r.key, r.wrapped, nil
}

// unwrapped returns a key that was unwrapped before.
func (r *keyring) unwrapped(wrapped []byte) (Secret, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if string(wrapped) == string(r.wrapped) && !r.key.IsZero() {
		return r.key, true
	}
	key, ok := r.opened[string(wrapped)]
	return key, ok
}

// opening returns the key whose wrapped form a record holds.
func (r *keyring) opening(ctx context.Context, wrapped []byte) (Secret, error) {
	if key, ok := r.unwrapped(wrapped); ok {
		return key, nil
	}
	if r.wrapper == nil || len(wrapped) == 0 { // sealed with a plain key, or with a wrapped one, of the same id
		return Secret{}, errForeign
	}
	if err := r.enter(ctx); err != nil {
		return Secret{}, err
	}
	defer r.leave()
	if key, ok := r.unwrapped(wrapped); ok {
		return key, nil
	}
	raw, err := contained(func() ([]byte, error) { return r.wrapper.Unwrap(ctx, wrapped) })
	if err != nil {
		return Secret{}, errors.Join(errKeyUnavailable, wrapperError(err))
	}
	if len(raw) != sealKeySize {
		return Secret{}, errForeign
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.opened) >= maxOpened {
		clear(r.opened)
	}
	r.opened[string(wrapped)] = NewSecret(string(raw))
	return r.opened[string(wrapped)], nil
}

func (r *keyring) enter(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errors.Join(errKeyUnavailable, ctx.Err())
	}
}

func (r *keyring) leave() { <-r.turn }

// contained calls somebody else's code.
func contained(call func() ([]byte, error)) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the wrapper panicked (%T)", r)
		}
	}()
	return call()
}

// wrapperError reduces what somebody else's code says to words that can be shown.
func wrapperError(err error) error {
	switch {
	case err == nil:
		return errors.New("the wrapper returned a key of the wrong length")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return errors.New(scrub(err.Error()))
}
