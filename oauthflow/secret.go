package oauthflow

import "github.com/fullcast/sfauth/internal/secret"

// Secret is a string that no printer, encoder or logger shows; [Secret.Reveal] is the only way out.
type Secret = secret.Secret

// NewSecret returns s as a Secret.
func NewSecret(s string) Secret { return secret.New(s) }
