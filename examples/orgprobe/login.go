package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

var loginQuestions = []probe{
	{id: "L1", question: "Does the callback carry iss (RFC 9207)?", why: "a callback of another server could be told at once",
		ask: func(_ context.Context, o *org) (answer, error) {
			return answer{Did: "logged in", Found: yes(o.callback.Has("iss")),
				Evidence: "parameters: " + strings.Join(slices.Sorted(maps.Keys(o.callback)), ", ")}, nil
		}},
	{id: "L2", question: "Does the token answer tell a lifetime (expires_in)?", why: "a token could be replaced before it is refused",
		ask: func(_ context.Context, o *org) (answer, error) {
			_, told := o.exchanged.object()["expires_in"]
			return answer{Did: "exchanged the code", Found: yes(told), Evidence: o.exchanged.shape()}, nil
		}},
	{id: "L3", question: "Whom does the id_token name as issuer when the login ran on this host?", why: "the exact check of iss",
		ask: issuer},
	{id: "L4", question: "What does discovery promise?", why: "endpoints and iss need not be assumed",
		ask: func(ctx context.Context, o *org) (answer, error) {
			h, err := o.wire.get(ctx, "https://"+o.client.Host.String(), "/.well-known/openid-configuration", "")
			_, promised := h.object()["authorization_response_iss_parameter_supported"]
			return answer{Did: "read the discovery document", Found: "iss in callbacks promised: " + yes(promised),
				Evidence: h.shape() + "; issuer " + h.text("issuer")}, err
		}},
}

func issuer(_ context.Context, o *org) (answer, error) {
	a := answer{Did: "read the claim iss", Found: "there is no id_token"}
	parts := strings.Split(o.exchanged.text("id_token"), ".")
	if len(parts) != 3 {
		return a, nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return a, err
	}
	var claims struct{ Iss string }
	if err := json.Unmarshal(payload, &claims); err != nil {
		return a, err
	}
	a.Found = "another host than the login's"
	if claims.Iss == "https://"+o.client.Host.String() {
		a.Found = "the host of the login"
	}
	a.Evidence = "iss " + claims.Iss
	return a, nil
}

// shape is what may be shown of any answer: status, form and the names of its members.
func (h heard) shape() string {
	if h.status == 0 {
		return "no answer"
	}
	return fmt.Sprintf("HTTP %d, %s, members: %s", h.status, h.form, strings.Join(h.names(), ", "))
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
