package redisstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
)

func TestOpenNamesEveryFieldAtFaultInOneLineOfOneError(t *testing.T) {
	_, err := redisstore.Open(t.Context(), redisstore.Config{Prefix: "{", Durability: 7, Replicas: -1})
	if err == nil {
		t.Fatal("no error")
	}
	text := err.Error()
	for _, field := range []string{"Config.Client", "Config.Prefix", "Config.Durability", "Config.Replicas"} {
		if strings.Count(text, field+": ") != 1 {
			t.Errorf("%s is not named once in: %s", field, text)
		}
	}
	if strings.Contains(text, "\n") || strings.Count(text, "redisstore: ") != 1 || !strings.HasPrefix(text, "redisstore: ") {
		t.Errorf("it is no line with one prefix: %q", text)
	}
	if field := (*oauthflow.FieldError)(nil); !errors.As(err, &field) || field.Field != "Config.Client" {
		t.Errorf("the first field is not typed: %v", err)
	}
}
