package metadata_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/metadata"
)

// eachElement calls visit for every element that an app can have, with an app in which it is set, and besides it only what
// the schema requires.
func eachElement(visit func(path, mark string, since, until metadata.APIVersion, app metadata.App)) {
	components := reflect.TypeFor[metadata.App]()
	for i := range components.NumField() {
		name := components.Field(i).Tag.Get("type")
		if name == "" {
			continue
		}
		walkElements(components.Field(i).Type.Elem(), nil, 0, func(path []int, elements string, since metadata.APIVersion, tag reflect.StructTag) {
			app := metadata.App{Kind: metadata.KindExternalClientApp, Name: "Acme"}
			if name == "ConnectedApp" {
				app.Kind = metadata.KindConnectedApp
			}
			component := reflect.New(components.Field(i).Type.Elem())
			reflect.ValueOf(&app).Elem().Field(i).Set(component)
			component.Elem().FieldByName("FullName").SetString("Acme")
			if app.SecuritySettings != nil { // one that says nothing is left out
				app.SecuritySettings.TokenIPRanges = []metadata.IPRange{{StartIPAddress: "1.1.1.1", EndIPAddress: "1.1.1.1"}}
			}
			v := component.Elem()
			require(v)
			for _, step := range path {
				v = v.Field(step)
				for v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct || v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct {
					if v.IsZero() && v.Kind() == reflect.Slice {
						v.Set(reflect.MakeSlice(v.Type(), 1, 1))
					} else if v.IsZero() {
						v.Set(reflect.New(v.Type().Elem()))
					}
					if v.Kind() == reflect.Slice {
						v = v.Index(0)
					} else {
						v = v.Elem()
					}
					require(v)
				}
			}
			set(v)
			_, until, mark := marks(tag)
			visit(name+"/"+elements, mark, since, until, app)
		})
	}
}

// marks reads a field's tag.
func marks(tag reflect.StructTag) (since, until metadata.APIVersion, mark string) {
	versions, mark, _ := strings.Cut(tag.Get("api"), ",")
	first, last, _ := strings.Cut(versions, "-")
	a, _ := strconv.Atoi(first)
	b, _ := strconv.Atoi(last)
	return metadata.APIVersion(a), metadata.APIVersion(b), mark
}

// walkElements visits the values in a component's type, with the first version that has them and all around them.
func walkElements(t reflect.Type, path []int, since metadata.APIVersion, visit func(path []int, elements string, since metadata.APIVersion, tag reflect.StructTag)) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("xml")
		if name == "" {
			continue
		}
		here := append(append([]int(nil), path...), i)
		inner := f.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		own, last, _ := marks(f.Tag)
		from := max(since, own)
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[secret.Secret]() && last == 0 { // what is gone takes all in it along
			walkElements(inner, here, from, func(path []int, elements string, since metadata.APIVersion, tag reflect.StructTag) {
				visit(path, name+"/"+elements, since, tag)
			})
			continue
		}
		visit(here, name, from, f.Tag)
	}
}

// require sets what the schema requires of a component or of an element in it.
func require(v reflect.Value) {
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag; strings.HasSuffix(tag.Get("api"), ",required") && v.Field(i).IsZero() {
			set(v.Field(i))
			if tag.Get("xml") == "externalClientApplication" {
				v.Field(i).SetString("Acme")
			}
		}
	}
}

// set gives a value that is not the zero one.
func set(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[secret.Secret]():
		v.Set(reflect.ValueOf(secret.New("5uper5ecret")))
	case v.Kind() == reflect.String && v.IsZero():
		v.SetString("x")
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		v.Index(0).SetString("x")
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	}
}

func TestEveryElementIsRefusedBeforeItsAPIVersionAndTheErrorNamesIt(t *testing.T) {
	seen := 0
	eachElement(func(path, mark string, since, until metadata.APIVersion, app metadata.App) {
		if mark == "platform" || mark == "action" {
			return // never in a package; see below
		}
		if until > 0 {
			if _, err := app.Package(until + 1); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("up to API version %s; the package is for %s", until, until+1)) {
				t.Errorf("%s after its last version: %v", path, err)
			}
			return
		}
		if _, err := app.Package(max(since, 67)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if since <= 57 {
			return
		}
		seen++
		if _, err := app.Package(since - 1); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("needs API version %s; the package is for %s", since, since-1)) {
			t.Errorf("%s at %s: %v", path, since-1, err)
		}
	})
	if seen < 80 {
		t.Errorf("only %d elements that came later", seen)
	}
}

func TestWhatSalesforceSetsAndWhatOrdersItIsWrittenBackAndNeverSent(t *testing.T) {
	marked := map[string]string{}
	eachElement(func(path, mark string, _, _ metadata.APIVersion, app metadata.App) {
		if mark != "platform" && mark != "action" {
			return
		}
		marked[path] = mark
		element := "<" + path[strings.LastIndexByte(path, '/')+1:] + ">"
		pkg, err := app.Package(67)
		if err != nil {
			t.Fatal(err)
		}
		source, err := app.Source()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range append(pkg.Files, source...) {
			if strings.Contains(string(f.Data), element) {
				t.Errorf("%s is in %s:\n%s", path, f.Name, f.Data)
			}
		}
		written, err := app.Files()
		if err != nil || len(written) != 1 || !strings.Contains(string(written[0].Data), element) {
			t.Errorf("%s is not written back: %v", path, err)
		}
	})
	want := map[string]string{
		"ExternalClientApplication/orgScopedExternalApp":            "platform",
		"ExtlClntAppOauthSettings/oauthLink":                        "platform",
		"ExtlClntAppOauthSettings/consumerKey":                      "platform",
		"ExtlClntAppOauthSettings/consumerSecret":                   "platform",
		"ExtlClntAppGlobalOauthSettings/consumerKey":                "platform",
		"ExtlClntAppGlobalOauthSettings/consumerSecret":             "platform",
		"ExtlClntAppGlobalOauthSettings/shouldRotateConsumerKey":    "action",
		"ExtlClntAppGlobalOauthSettings/shouldRotateConsumerSecret": "action",
		"ConnectedApp/oauthConfig/consumerKey":                      "platform",
		"ConnectedApp/oauthConfig/consumerSecret":                   "platform",
	}
	if !reflect.DeepEqual(marked, want) {
		t.Errorf("got %v, want %v", marked, want)
	}
}
