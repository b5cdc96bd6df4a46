package oauthflow_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

func TestTwoKeysNeverReadTheSameAndAKeyIsOneLine(t *testing.T) {
	keys := []oauthflow.Key{
		{Tenant: "acme", Name: "main"}, {Tenant: "acme/eu", Name: "main"}, {Tenant: "acme", Name: "eu/main"}, {Tenant: `"acme`, Name: `eu"/main`},
		{Tenant: `"acme/eu"`, Name: "main"}, {Tenant: "acme\n", Name: "main"}, {Tenant: "acme", Name: "main\x1b[2K\rother"},
		{Tenant: "аcme", Name: "main"}, {Tenant: "acme\u200b", Name: "main"}, {Tenant: "acme\u202e", Name: "main"}, {Tenant: "acme ", Name: "main"},
		{Tenant: "e\u0301", Name: "main"}, {Tenant: "\u00e9", Name: "main"}, {Tenant: "", Name: "acme/main"}, {Tenant: "acme/main", Name: ""},
		{Tenant: "acme\\u200b", Name: "main"}, {Tenant: "acme: gone", Name: "main"},
	}
	seen := map[string]oauthflow.Key{}
	for _, k := range keys {
		shown := k.String()
		if other, twice := seen[shown]; twice {
			t.Errorf("%#v and %#v both read %s", k, other, shown)
		}
		seen[shown] = k
		if strings.ContainsFunc(shown, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%#v reads %q", k, shown)
		}
		event := oauthflow.Event{Type: oauthflow.EventBroken, Key: k}
		var line bytes.Buffer
		slog.New(slog.NewTextHandler(&line, nil)).Info("x", "event", event)
		if strings.Count(line.String(), "\n") != 1 {
			t.Errorf("the event of %#v is logged as %q", k, line.String())
		}
	}
	if got := keys[0].String(); got != "acme/main" {
		t.Errorf("an ordinary key reads %s", got)
	}
}

func TestAnErrorIsOnePrintableLineWhateverItsCauseSays(t *testing.T) {
	e := &oauthflow.Error{Op: "load", Kind: oauthflow.KindStore, Err: errors.New("pq: down\n2026-11-29 level=INFO msg=all-is-well\x1b[2K\u009b1A\u202e")}
	if got := e.Error(); strings.ContainsFunc(got, steers) {
		t.Errorf("it reads %q", got)
	}
	for _, description := range []string{"a\nb", "\u009b31mred", "\u202egnirts", "\u2066x\u2069", "\u200e\u200f\u061c", "zero\u200bwidth", "\u00adsoft", "\ufeff", "\U000e0041", "\ue000", "\xff\xfe"} {
		body, _ := json.Marshal(map[string]string{"error": "some_new_code", "error_description": "it says " + description})
		_, err := wireFlow(t, says(400, string(body))).Refresh(t.Context(), wireClient(t, wireHost), wireToken())
		got := wireError(t, err, oauthflow.KindUnknownAnswer)
		if strings.ContainsFunc(got.Description+got.Error(), steers) {
			t.Errorf("%q is shown as %q", description, got.Description)
		}
	}
}

func TestNoBinaryEncoderTakesACallback(t *testing.T) {
	cb := oauthflow.Callback{Tenant: "acme\n", Path: "/app\x1b", Binding: "binding-0123456789", Query: url.Values{"code": {wireCode}}}
	for _, v := range []any{cb, &cb, struct{ Callback oauthflow.Callback }{cb}, []oauthflow.Callback{cb}, map[string]oauthflow.Callback{"a": cb}} {
		var b bytes.Buffer
		if err := gob.NewEncoder(&b).Encode(v); err == nil || strings.Contains(b.String(), wireCode) || strings.Contains(b.String(), cb.Binding) {
			t.Errorf("gob writes %q, %v", b.String(), err)
		}
		for _, text := range []string{fmt.Sprintf("%v %+v %#v", v, v, v)} {
			if _, pointer := v.(*oauthflow.Callback); !pointer && (strings.Contains(text, wireCode) || strings.Contains(text, cb.Binding)) {
				t.Errorf("it prints %s", text)
			}
		}
	}
	if got := cb.String(); strings.ContainsFunc(got, steers) {
		t.Errorf("a callback reads %q", got)
	}
}
