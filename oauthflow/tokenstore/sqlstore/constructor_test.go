package sqlstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

func TestOpenNamesEveryFieldAtFaultInOneLineOfOneError(t *testing.T) {
	_, err := sqlstore.Open(t.Context(), sqlstore.Config{Dialect: "Oracle", Table: "records;", Durability: 7})
	if err == nil {
		t.Fatal("no error")
	}
	text := err.Error()
	for _, field := range []string{"Config.DB", "Config.Dialect", "Config.Table", "Config.Durability"} {
		if strings.Count(text, field+": ") != 1 {
			t.Errorf("%s is not named once in: %s", field, text)
		}
	}
	if strings.Contains(text, "\n") || strings.Count(text, "sqlstore: ") != 1 || !strings.HasPrefix(text, "sqlstore: ") {
		t.Errorf("it is no line with one prefix: %q", text)
	}
	if field := (*oauthflow.FieldError)(nil); !errors.As(err, &field) || field.Field != "Config.DB" {
		t.Errorf("the first field is not typed: %v", err)
	}
}
