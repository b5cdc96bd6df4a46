package oauthflow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestAnEventLogsTheFieldsThatItsDocumentationNames(t *testing.T) {
	key := oauthflow.Key{Tenant: "acme", Name: "main"}
	fault := &oauthflow.Error{
		Op: "refresh", Host: "acme.my.salesforce.com", Code: "invalid_grant", Description: "ip restricted", Kind: oauthflow.KindIPRestricted,
		Status: 400, RetryAfter: 2 * time.Second,
	}
	for _, tt := range []struct {
		event oauthflow.Event
		want  map[string]any
	}{
		{oauthflow.Event{Type: oauthflow.EventMissed}, map[string]any{"type": "events missed"}},
		{oauthflow.Event{Type: oauthflow.EventRefreshed, Key: key, OrgID: "00DTEST00000001AAA", Took: time.Second}, map[string]any{
			"type": "refreshed", "connection": "acme/main", "org": "00DTEST00000001AAA", "took": 1e9}},
		{oauthflow.Event{Type: oauthflow.EventSuspended, Key: key, Err: fault}, map[string]any{
			"type": "suspended", "connection": "acme/main", "host": "acme.my.salesforce.com", "kind": "IP restricted", "reason": "network address", "code": "invalid_grant",
			"status": 400.0, "retry_after": 2e9, "error": fault.Error()}},
	} {
		var b bytes.Buffer
		slog.New(slog.NewJSONHandler(&b, nil)).Info("salesforce", "event", tt.event)
		var line struct{ Event map[string]any }
		if err := json.Unmarshal(b.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(line.Event, tt.want) {
			t.Errorf("got %v, want %v", line.Event, tt.want)
		}
		for name := range line.Event {
			if doc := documentation(t, "event.go", "LogValue"); !strings.Contains(doc, "\n\t"+name+" ") {
				t.Errorf("the field %s is not documented", name)
			}
		}
	}
}

// documentation is the comment of a method.
func documentation(t *testing.T, file, method string) string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == method {
			return "\n" + fn.Doc.Text()
		}
	}
	t.Fatalf("%s holds no %s", file, method)
	return ""
}

// Every line that the package may log keeps to the fields that ManagerConfig.Logger names.
func TestNoLineIsLoggedWithAFieldThatIsNotDocumented(t *testing.T) {
	used := map[string]bool{}
	for file, f := range sourceFiles(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if fn, ok := call.Fun.(*ast.SelectorExpr); !ok || fn.Sel.Name != "logf" {
				return true
			}
			for i := 2; i < len(call.Args); i += 2 {
				lit, ok := call.Args[i].(*ast.BasicLit)
				if !ok {
					t.Errorf("%s logs a field whose name is not written out", file)
					continue
				}
				name, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				used[name] = true
			}
			return true
		})
	}
	got := slices.Sorted(maps.Keys(used))
	if want := []string{"connection", "error", "found", "host", "record", "stack", "type"}; !slices.Equal(got, want) {
		t.Errorf("the fields are %q, want %q as ManagerConfig.Logger says", got, want)
	}
}

func TestARefreshThatCannotBeStoredIsLoggedWithItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		w.store = h
		var b bytes.Buffer
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Logger = slog.New(slog.NewJSONHandler(&b, nil)) })
		w.connect(m, mainKey)
		saves := 0
		h.onSave(func(r tokenstore.Record, do func() error) error {
			if saves++; isConnection(r.ID) && saves == 2 { // the result, after the intent
				return errStoreDown
			}
			return do()
		})
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		var line struct{ Level, Connection, Error string }
		lines := bytes.Split(bytes.TrimSpace(b.Bytes()), []byte("\n")) // the first tells of the transport
		if err := json.Unmarshal(lines[len(lines)-1], &line); err != nil || len(lines) != 2 {
			t.Fatal(err, b.String())
		}
		if line.Level != "WARN" || line.Connection != fmt.Sprint(mainKey) || !strings.Contains(line.Error, errStoreDown.Error()) {
			t.Errorf("got %+v", line)
		}
	})
}
