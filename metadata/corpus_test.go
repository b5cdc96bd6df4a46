package metadata_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/metadata"
)

// TestCorpusIsReadAndWrittenBackByteEqual prints, with -v, the table: files, read, byte-equal, differences.
func TestCorpusIsReadAndWrittenBackByteEqual(t *testing.T) {
	root := needs.Folder(t, "SFAUTH_CORPUS")
	type row struct{ files, read, equal, unknown int }
	table := map[string]*row{}
	var order []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		typ, _, _ := strings.Cut(name, "/")
		r := table[typ]
		if r == nil {
			r = &row{}
			table[typ], order = r, append(order, typ)
		}
		r.files++
		written, unknown, err := roundTrip(name, data)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
			return nil
		case !bytes.Equal(written, data):
			t.Errorf("%s: written back, it differs", name)
		default:
			r.equal++
		}
		r.read++
		if len(unknown) > 0 {
			r.unknown++
			t.Errorf("%s: unknown elements %s", name, strings.Join(unknown, ", "))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	sum := row{}
	fmt.Fprintf(&b, "\n%-40s %6s %6s %11s %22s\n", "type", "files", "read", "byte-equal", "with unknown elements")
	for _, typ := range order {
		r := table[typ]
		fmt.Fprintf(&b, "%-40s %6d %6d %11d %22d\n", typ, r.files, r.read, r.equal, r.unknown)
		sum = row{sum.files + r.files, sum.read + r.read, sum.equal + r.equal, sum.unknown + r.unknown}
	}
	fmt.Fprintf(&b, "%-40s %6d %6d %11d %22d\n", "all", sum.files, sum.read, sum.equal, sum.unknown)
	t.Log(b.String())
	if sum.files < 100 || sum.equal != sum.files {
		t.Errorf("%d files, %d of them byte-equal", sum.files, sum.equal)
	}
}

// roundTrip reads a file and writes it. In between it changes the label, writes, reads that and changes it back.
func roundTrip(name string, data []byte) (written []byte, unknown []string, err error) {
	if strings.HasSuffix(name, ".settings") {
		var s metadata.OrgSettings
		if err := s.ParseFile(name, data); err != nil {
			return nil, nil, err
		}
		written, err := only(s.Files())
		return written, unknownIn(s), err
	}
	app, err := metadata.ParseFile(name, data)
	if err != nil {
		return nil, nil, err
	}
	if written, err = only(app.Files()); err != nil || !bytes.Equal(written, data) {
		return written, nil, err
	}
	unknown = unknownIn(app)
	label := labelOf(&app)
	if label == nil {
		return written, unknown, nil
	}
	was := *label
	*label = "<changed> & ünlike"
	changed, err := only(app.Files())
	if err != nil {
		return nil, nil, err
	}
	app, err = metadata.ParseFile(name, changed)
	if err != nil {
		return nil, nil, err
	}
	*labelOf(&app) = was
	written, err = only(app.Files())
	return written, unknown, err
}

func only(files []metadata.File, err error) ([]byte, error) {
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("%d files, %w", len(files), err)
	}
	return files[0].Data, nil
}

// unknownIn returns the unknown elements of every component that an App or OrgSettings points to.
func unknownIn(holder any) (names []string) {
	v := reflect.ValueOf(holder)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			names = append(names, f.Interface().(interface{ Unknown() []string }).Unknown()...)
		}
	}
	return names
}

// labelOf returns the Label of an app's one component, or nil when its type has no Go struct of its own.
func labelOf(a *metadata.App) *string {
	v := reflect.ValueOf(a).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			return f.Elem().FieldByName("Label").Addr().Interface().(*string)
		}
	}
	return nil
}

func TestEveryRealAppIsPackaged(t *testing.T) {
	apps, err := metadata.Parse(os.DirFS(needs.Folder(t, "SFAUTH_CORPUS")))
	if err != nil && len(apps) == 0 || len(apps) < 50 {
		t.Fatalf("%d apps: %v", len(apps), err)
	}
	for _, app := range apps {
		_, err := app.Source()
		if err != nil && strings.Contains(err.Error(), "no package carries") {
			t.Errorf("%s: %v", app.Name, err)
		}
	}
}

// TestAChangedValueInARealFileChangesNoOtherByte changes each value of each file, one at a time.
func TestAChangedValueInARealFileChangesNoOtherByte(t *testing.T) {
	root, changes := needs.Folder(t, "SFAUTH_CORPUS"), 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for n := 0; ; n++ {
			element, written := changeOne(t, path, data, n)
			if element == "" {
				return nil
			}
			changes++
			from := 0
			for from < min(len(data), len(written)) && data[from] == written[from] {
				from++
			}
			end := 0
			for end < min(len(data), len(written))-from && data[len(data)-1-end] == written[len(written)-1-end] {
				end++
			}
			was, is := data[from:len(data)-end], written[from:len(written)-end]
			if len(is) == 0 && len(was) == 0 || bytes.ContainsAny(was, "<>") || bytes.ContainsAny(is, "<>") {
				t.Errorf("%s: <%s>: %q became %q", path, element, was, is)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if changes < 1000 {
		t.Errorf("only %d values", changes)
	}
}

// changeOne changes the value of a file that is the nth, and returns its element and the file; "" when there are not so many.
func changeOne(t *testing.T, path string, data []byte, n int) (element string, written []byte) {
	t.Helper()
	var holder any
	var files func() ([]metadata.File, error)
	if strings.HasSuffix(path, ".settings") {
		var s metadata.OrgSettings
		if err := s.ParseFile(path, data); err != nil {
			t.Fatal(err)
		}
		holder, files = &s, func() ([]metadata.File, error) { return s.Files() }
	} else {
		app, err := metadata.ParseFile(path, data)
		if err != nil {
			t.Fatal(err)
		}
		holder, files = &app, func() ([]metadata.File, error) { return app.Files() }
	}
	var each func(name string, v reflect.Value)
	each = func(name string, v reflect.Value) {
		switch {
		case element != "" || v.IsZero():
		case v.Type() == reflect.TypeFor[metadata.Component]():
		case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct:
			each(name, v.Elem())
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				each(name, v.Index(i))
			}
		case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[secret.Secret]():
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.Tag.Get("xml") != "" || f.Tag.Get("type") != "" {
					each(f.Tag.Get("xml"), v.Field(i))
				}
			}
		default:
			if n--; n >= 0 {
				return
			}
			element = name
			switch {
			case v.Type() == reflect.TypeFor[secret.Secret]():
				v.Set(reflect.ValueOf(secret.New("changed")))
			case v.Kind() == reflect.String:
				v.SetString("changed & changed")
			case v.Type().Elem().Kind() == reflect.Bool:
				v.Set(reflect.ValueOf(new(!v.Elem().Bool())))
			default:
				v.Set(reflect.ValueOf(new(int(v.Elem().Int()) + 1)))
			}
		}
	}
	each("", reflect.ValueOf(holder).Elem())
	if element == "" {
		return "", nil
	}
	written, err := only(files())
	if err != nil {
		t.Fatal(err)
	}
	return element, written
}
