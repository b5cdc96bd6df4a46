package metadata_test

import (
	"bytes"
	"context"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/metadata"
)

var fuzzNames = []string{"A.eca", "A.ecaOauth", "A.ecaGlblOauth", "A.ecaOauthPlcy", "A.ecaPlcy", "A.ecaOauthSecurity", "A.ecaCanvas", "A.connectedApp"}

// FuzzRoundTrip: whatever is accepted is written back byte for byte; after any change of fields the file reads as
// changed, and taking the change back gives a file that says what the first one said.
func FuzzRoundTrip(f *testing.F) {
	add := func(i int, inner string) {
		app := []string{"ExternalClientApplication", "ExtlClntAppOauthSettings", "ExtlClntAppGlobalOauthSettings", "ExtlClntAppOauthConfigurablePolicies",
			"ExtlClntAppConfigurablePolicies", "ExtlClntAppOauthSecuritySettings", "ExtlClntAppCanvasSettings", "ConnectedApp"}[i]
		f.Add(uint8(i), []byte("<"+app+ns+">"+inner+"</"+app+">"), uint64(len(inner)))
	}
	add(0, "")
	add(0, "\n  <label>x</label>\n\n  <!-- c --> <zzz/>\n")
	add(1, "\r\n\t<trustedIpRanges><endIpAddress/></trustedIpRanges><trustedIpRanges/>\r\n")
	add(2, "<isPkceRequired> true </isPkceRequired><callbackUrl><![CDATA[a&b]]></callbackUrl><idTokenConfig/>")
	add(3, `<x:label xmlns:x="u">q</x:label><label a="b" >&lt;</label >`)
	add(4, `<isEnabled xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>`)
	add(7, "<oauthConfig>\n<scopes>Api</scopes><n/><scopes>Web</scopes>\n</oauthConfig><profileName>a</profileName>t<profileName/>")
	add(7, `<scopes xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="1"/><profileName>a</profileName><profileName xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="1"/>`)
	f.Add(uint8(7), []byte("\ufeff<?xml version='1.0'?><m:ConnectedApp xmlns:m='http://soap.sforce.com/2006/04/metadata'><m:label>a</m:label></m:ConnectedApp>\n"), uint64(3))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte, seed uint64) {
		checkRoundTrip(t, fuzzNames[int(kind)%len(fuzzNames)], data, seed)
	})
}

// FuzzDeploymentID: what a caller gives for the ID of a deployment becomes one segment of a path, or no request at all.
func FuzzDeploymentID(f *testing.F) {
	for _, id := range []string{
		"0Af000000000001", "0Af000000000001AAA", "", ".", "..", "../../../../services/oauth2/revoke", "0Af00000000000/", "0Af0000000000%2f", "0Af000000000?a=",
		"0Af000000000#aa", "0Af00000000000\n", "0Af0000000000001", "0Af00000000000é", "' OR Id != '0000", strings.Repeat("0", 1000),
	} {
		f.Add(id)
	}
	shape := regexp.MustCompile(`^(?:[0-9A-Za-z]{15}|[0-9A-Za-z]{18})$`)
	f.Fuzz(func(t *testing.T, id string) {
		var asked []string
		org, err := metadata.NewOrg(metadata.OrgConfig{
			HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				asked = append(asked, r.URL.String())
				return nil, context.Canceled
			})},
			InstanceURL: func(context.Context) (string, error) { return "https://acme.my.salesforce.com", nil },
			Session:     func(context.Context, string) (string, error) { return "", nil },
			Version:     66,
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []string(nil)
		if shape.MatchString(id) {
			want = []string{"https://acme.my.salesforce.com/services/data/v66.0/metadata/deployRequest/" + id}
		}
		if err := org.Cancel(t.Context(), id); err == nil || !slices.Equal(asked, want) {
			t.Fatalf("%q: asked %q, want %q; %v", id, asked, want, err)
		}
		if want != nil {
			return
		}
		_, err = org.QuickDeploy(t.Context(), id, nil)
		_, err2 := org.Wait(t.Context(), id, nil)
		if err == nil || err2 == nil || len(asked) > 0 {
			t.Fatalf("%q: asked %q; %v, %v", id, asked, err, err2)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func checkRoundTrip(t *testing.T, name string, data []byte, seed uint64) {
	app, err := metadata.ParseFile(name, data)
	if err != nil {
		return
	}
	written, err := only(app.Files())
	if err != nil || !bytes.Equal(written, data) {
		t.Fatalf("unchanged, it is written as %q, %v", written, err)
	}
	if len(app.Other) > 0 {
		return
	}
	changed := app.Clone()
	scramble(structOf(&changed), rand.New(rand.NewPCG(seed, 1)))
	written, err = only(changed.Files())
	if err != nil {
		t.Fatalf("changed: %v", err)
	}
	again := reparse(t, name, written)
	if got, want := content(again), content(changed); !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\nreads as %v,\nwant     %v", written, got, want)
	}
	if !reflect.DeepEqual(unknownIn(again), unknownIn(app)) && !dropped(app, changed) {
		t.Fatalf("unknown elements were lost or moved: %v, %v", unknownIn(app), unknownIn(again))
	}
	copyFields(structOf(&again), structOf(&app))
	written, err = only(again.Files())
	if err != nil {
		t.Fatalf("restored: %v", err)
	}
	if got, want := content(reparse(t, name, written)), content(app); !reflect.DeepEqual(got, want) {
		t.Fatalf("restored, %s\nreads as %v,\nwant     %v", written, got, want)
	}
}

// dropped tells whether the change took an element away that may have held unknown ones.
func dropped(before, after metadata.App) bool {
	a, b := structOf(&before), structOf(&after)
	for i := range a.NumField() {
		if a.Type().Field(i).Tag.Get("xml") == "" {
			continue
		}
		switch f := a.Field(i); {
		case f.Kind() == reflect.Slice && !reflect.DeepEqual(f.Interface(), b.Field(i).Interface()):
			return true
		case f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct && !f.IsNil() &&
			!reflect.DeepEqual(f.Interface(), b.Field(i).Interface()):
			return true
		}
	}
	return false
}

func TestCorpusFilesSurviveRandomChanges(t *testing.T) {
	root := needs.Folder(t, "SFAUTH_CORPUS")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".settings") {
			return err
		}
		data, err := os.ReadFile(path)
		for seed := range uint64(5) {
			checkRoundTrip(t, path, data, seed)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func reparse(t *testing.T, name string, data []byte) metadata.App {
	app, err := metadata.ParseFile(name, data)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v\n%s", err, data)
	}
	return app
}

// structOf returns the one component's struct.
func structOf(a *metadata.App) reflect.Value {
	v := reflect.ValueOf(a).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			return f.Elem()
		}
	}
	panic("an app without a component")
}

var fuzzTexts = []string{"", "x", " y ", "<&>\"'", "line\nline", "cr\rlf\r\n", "ünï 🎈", "]]>"}

// scramble sets some fields to other values.
func scramble(v reflect.Value, r *rand.Rand) {
	for i := range v.NumField() {
		f := v.Field(i)
		if v.Type().Field(i).Tag.Get("xml") == "" || r.IntN(3) > 0 {
			continue
		}
		switch {
		case f.Type() == reflect.TypeFor[secret.Secret]():
			f.Set(reflect.ValueOf(secret.New(fuzzTexts[r.IntN(len(fuzzTexts))])))
		case f.Kind() == reflect.String:
			f.SetString(fuzzTexts[r.IntN(len(fuzzTexts))])
		case f.Kind() == reflect.Slice:
			s := reflect.MakeSlice(f.Type(), r.IntN(4), 4)
			for i := range s.Len() {
				if i < f.Len() && r.IntN(2) > 0 {
					s.Index(i).Set(f.Index(i))
				} else if s.Index(i).Kind() == reflect.String {
					s.Index(i).SetString(fuzzTexts[r.IntN(len(fuzzTexts))])
				} else {
					scramble(s.Index(i), r)
				}
			}
			f.Set(s)
		case r.IntN(3) == 0:
			f.SetZero()
		case f.Type().Elem().Kind() == reflect.Bool:
			f.Set(reflect.ValueOf(new(r.IntN(2) > 0)))
		case f.Type().Elem().Kind() == reflect.Int:
			f.Set(reflect.ValueOf(new(r.IntN(2000) - 1000)))
		default:
			p := reflect.New(f.Type().Elem())
			scramble(p.Elem(), r)
			f.Set(p)
		}
	}
}

func copyFields(to, from reflect.Value) {
	for i := range to.NumField() {
		if to.Type().Field(i).Tag.Get("xml") != "" {
			to.Field(i).Set(from.Field(i))
		}
	}
}

// content is what a component's fields say, without its bytes. An empty string, list or element of values says the
// same as none.
func content(a metadata.App) map[string]any {
	out := map[string]any{}
	describe("", structOf(&a), out)
	return out
}

func describe(path string, v reflect.Value, out map[string]any) {
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Tag.Get("xml"), v.Field(i)
		if name == "" || f.IsZero() {
			continue
		}
		p := path + name
		switch {
		case f.Type() == reflect.TypeFor[secret.Secret]():
			out[p] = f.Interface().(secret.Secret).Reveal()
		case f.Kind() == reflect.String:
			out[p] = f.String()
		case f.Kind() == reflect.Slice:
			for i := range f.Len() {
				item := map[string]any{}
				if f.Index(i).Kind() == reflect.String {
					item[""] = f.Index(i).String()
				} else {
					describe("", f.Index(i), item)
				}
				list, _ := out[p].([]any)
				out[p] = append(list, item)
			}
		case f.Elem().Kind() == reflect.Struct:
			out[p] = true
			describe(p+"/", f.Elem(), out)
		default:
			out[p] = f.Elem().Interface()
		}
	}
}
