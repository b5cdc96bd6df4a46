// Package secret holds the one type that carries secrets through this module.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a string that shows itself to nobody: every printer, encoder and logger sees "[redacted]", also where it
// sits in an unexported field of a struct that somebody prints. [Secret.Reveal] is the only way out, so that a search
// for the word finds every place where a secret leaves.
//
// The zero value is the empty secret. A Secret may be copied and used by many goroutines. It cannot be compared with
// == (use [Secret.Equal]) and cannot be decoded: redacted text read back would be a wrong secret.
type Secret struct {
	// A closure, since printers follow strings and pointers in unexported fields, where they cannot call methods.
	reveal func() string
}

// New returns s as a Secret.
func New(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return s }}
}

// Reveal returns the plain text.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal reports whether both hold the same text, in a time that tells nothing of the texts, not even their length.
func (s Secret) Equal(other Secret) bool {
	a, b := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(other.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]"; JSON, XML and YAML encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]" to log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// GobEncode always fails: gob has no use for redacted text.
func (s Secret) GobEncode() ([]byte, error) {
	return nil, errors.New("secret: a Secret is not encoded; reveal it where it must leave")
}
