package policy_test

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/metadata"
)

// leaf is one element that holds a value, however deep it lies.
type leaf struct {
	component string       // metadata type
	steps     []int        // fields from the app to the value
	names     []string     // elements from the component to the value
	lists     []bool       // which of them are lists
	typ       reflect.Type // of the value, or of a list's member
	tag       reflect.StructTag
}

// leaves are all elements that an app of a kind can have.
func leaves(kind metadata.Kind) []leaf {
	var all []leaf
	var each func(l leaf, t reflect.Type)
	each = func(l leaf, t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Tag.Get("xml") == "" {
				continue
			}
			next := leaf{component: l.component, tag: f.Tag, typ: f.Type}
			next.steps = append(append(next.steps, l.steps...), i)
			next.names = append(append(next.names, l.names...), f.Tag.Get("xml"))
			list := f.Type.Kind() == reflect.Slice
			next.lists = append(append(next.lists, l.lists...), list)
			if list {
				next.typ = f.Type.Elem()
			}
			inner := next.typ
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[secret.Secret]() {
				each(next, inner)
				continue
			}
			all = append(all, next)
		}
	}
	app := reflect.TypeFor[metadata.App]()
	for i := range app.NumField() {
		component := app.Field(i).Tag.Get("type")
		if component != "" && (component == "ConnectedApp") == (kind == metadata.KindConnectedApp) {
			each(leaf{component: component, steps: []int{i}}, app.Field(i).Type.Elem())
		}
	}
	return all
}

// path names the leaf as reports do, in the first or the second member of each list that it lies in.
func (l leaf) path(member int) string {
	names := make([]string, len(l.names))
	for i, name := range l.names {
		if names[i] = name; l.lists[i] && member > 0 {
			names[i] += "[" + strconv.Itoa(member+1) + "]"
		}
	}
	return strings.Join(names, "/")
}

func (l leaf) String() string { return l.component + " " + l.path(0) }

// listed tells the leaves that say what the instructions list for an app of the kind.
func (l leaf) listed() bool {
	return map[string]bool{
		"ExternalClientApplication label": true, "ExternalClientApplication contactEmail": true, "ExternalClientApplication distributionState": true,
		"ExtlClntAppOauthSettings commaSeparatedOauthScopes":   true,
		"ExtlClntAppGlobalOauthSettings callbackUrl":           true,
		"ExtlClntAppGlobalOauthSettings isCodeCredFlowEnabled": true, "ExtlClntAppGlobalOauthSettings isPkceRequired": true,
		"ExtlClntAppGlobalOauthSettings isConsumerSecretOptional": true, "ExtlClntAppGlobalOauthSettings isSecretRequiredForRefreshToken": true,
		"ExtlClntAppConfigurablePolicies isEnabled": true, "ExtlClntAppConfigurablePolicies isOauthPluginEnabled": true, "ExtlClntAppConfigurablePolicies startPage": true,
		"ExtlClntAppOauthConfigurablePolicies permittedUsersPolicyType": true, "ExtlClntAppOauthConfigurablePolicies ipRelaxationPolicyType": true,
		"ExtlClntAppOauthConfigurablePolicies refreshTokenPolicyType": true,
		"ConnectedApp label": true, "ConnectedApp contactEmail": true, "ConnectedApp oauthConfig/callbackUrl": true, "ConnectedApp oauthConfig/scopes": true,
		"ConnectedApp oauthConfig/isAdminApproved": true, "ConnectedApp oauthConfig/isPkceRequired": true,
		"ConnectedApp oauthConfig/isConsumerSecretOptional": true, "ConnectedApp oauthConfig/isSecretRequiredForRefreshToken": true,
		"ConnectedApp oauthPolicy/ipRelaxation": true, "ConnectedApp oauthPolicy/refreshTokenPolicy": true,
	}[l.String()]
}

// mark is the special thing about an element: "required", "platform", "action" or none.
func (l leaf) mark() string {
	_, mark, _ := strings.Cut(l.tag.Get("api"), ",")
	return mark
}

// joins tells the elements that join a component to its app or name it.
func (l leaf) joins() bool {
	return len(l.names) == 1 && (l.names[0] == "externalClientApplication" || l.names[0] == "label" && !l.listed())
}

// values are two values of the leaf's type.
func (l leaf) values() [2]reflect.Value {
	switch {
	case l.typ == reflect.TypeFor[secret.Secret]():
		return [2]reflect.Value{reflect.ValueOf(secret.New("5uper5ecret")), reflect.ValueOf(secret.New("0ther5ecret"))}
	case l.typ.Kind() == reflect.String:
		return [2]reflect.Value{reflect.ValueOf("x").Convert(l.typ), reflect.ValueOf("y").Convert(l.typ)}
	case l.typ.Elem().Kind() == reflect.Bool:
		return [2]reflect.Value{reflect.ValueOf(new(true)), reflect.ValueOf(new(false))}
	}
	return [2]reflect.Value{reflect.ValueOf(new(1)), reflect.ValueOf(new(720))}
}

// set returns a copy of an app with the leaf set, in the first or the second member of each list that it lies in.
func (l leaf) set(app metadata.App, member int, to reflect.Value) metadata.App {
	app = app.Clone()
	v := reflect.ValueOf(&app).Elem()
	for _, step := range l.steps {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(step)
		if v.Kind() == reflect.Slice {
			for v.Len() <= member {
				v.Set(reflect.Append(v, reflect.New(v.Type().Elem()).Elem()))
			}
			v = v.Index(member)
		}
	}
	v.Set(to)
	return app
}

// members are 0 for a leaf in no list, and 0 and 1 for one that is in a list.
func (l leaf) members() []int {
	for _, list := range l.lists {
		if list {
			return []int{0, 1}
		}
	}
	return []int{0}
}

func TestTheLeavesAreThoseOfTheTypes(t *testing.T) {
	deep := map[string]bool{"ConnectedApp attributes/key": false, "ConnectedApp oauthConfig/idTokenConfig/idTokenAudience": false, "ConnectedApp profileName": false,
		"ExtlClntAppOauthSecuritySettings tokenIpRanges/endIpAddress": false, "ExtlClntAppGlobalOauthSettings idTokenConfig/idTokenValidityInMinutes": false}
	listed, all := 0, 0
	for _, kind := range []metadata.Kind{metadata.KindExternalClientApp, metadata.KindConnectedApp} {
		for _, l := range leaves(kind) {
			all++
			if l.listed() {
				listed++
			}
			if _, ok := deep[l.String()]; ok {
				deep[l.String()] = true
			}
		}
	}
	for name, seen := range deep {
		if !seen {
			t.Errorf("no %s", name)
		}
	}
	if listed != 25 || all < 200 {
		t.Errorf("%d leaves, %d of them listed", all, listed)
	}
}
