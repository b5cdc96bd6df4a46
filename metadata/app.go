package metadata

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/internal/secretscan"
)

// App is one app with its components. A nil component is absent or was not read.
//
// A copy of an App shares its components. [App.Clone] returns a copy that you can change. An App is safe for concurrent reading.
type App struct {
	Kind Kind
	Name string // API name; it joins the components of an external client app

	// Components of an external client app.
	External            *ExternalClientApplication `type:"ExternalClientApplication"`
	OAuthSettings       *OAuthSettings             `type:"ExtlClntAppOauthSettings"`
	GlobalOAuthSettings *GlobalOAuthSettings       `type:"ExtlClntAppGlobalOauthSettings"`
	OAuthPolicies       *OAuthPolicies             `type:"ExtlClntAppOauthConfigurablePolicies"`
	Policies            *Policies                  `type:"ExtlClntAppConfigurablePolicies"`
	SecuritySettings    *OAuthSecuritySettings     `type:"ExtlClntAppOauthSecuritySettings"`
	Other               []OtherComponent           // canvas, mobile, push, SAML and notification components

	// Connected is all of a connected app.
	Connected *ConnectedApp `type:"ConnectedApp"`

	fault error // what was wrong with the spec the app was made from
}

// OtherComponent is a component of an external client app without a Go type of its own. It is read and written with the app, and
// its bytes do not change.
type OtherComponent struct {
	Component
	Type                      string // Salesforce's name: ExtlClntAppCanvasSettings
	ExternalClientApplication string `xml:"externalClientApplication" api:"57,required"`
}

var otherType = reflect.TypeFor[OtherComponent]()

// part is one component of an app, whatever its Go type.
type part struct {
	componentType
	*Component
	v reflect.Value // the struct that Component is embedded in; settable
}

// parts returns the components that are there, in the order of deployment.
func (a *App) parts() []part {
	var parts []part
	add := func(typeName string, v reflect.Value) {
		t, ok := typeNamed(typeName)
		if !ok {
			t.name = typeName
		}
		parts = append(parts, existing(t, v))
	}
	v := reflect.ValueOf(a).Elem()
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("type"); name != "" && !v.Field(i).IsNil() {
			add(name, v.Field(i).Elem())
		}
	}
	for i := range a.Other {
		add(a.Other[i].Type, reflect.ValueOf(&a.Other[i]).Elem())
	}
	return parts
}

// existing is the part that a component's struct is.
func existing(t componentType, v reflect.Value) part {
	return part{t, v.Field(0).Addr().Interface().(*Component), v}
}

// appName returns the API name of the app that the component belongs to.
func (p part) appName() string {
	if f := p.v.FieldByName("ExternalClientApplication"); f.IsValid() {
		return salesforce.Trim(f.String())
	}
	return p.FullName
}

// bytes returns the component's file. What is new in it is spelled as the server spells it.
func (p part) bytes(words spelling) ([]byte, error) {
	var data []byte
	var err error
	if p.source == nil {
		data, err = fresh(p.name, p.v)
	} else {
		data, err = splice(p.source().doc, p.v, words)
	}
	return data, wrap("write", p.label(), err)
}

// label names the component in errors: by its file, or by type and name, without what of it is a secret.
func (p part) label() string {
	return secretscan.Known{}.Mask(cmp.Or(p.file, p.name+" "+p.FullName))
}

// setPart puts a component into its field; false when the field is taken.
func (a *App) setPart(p part) bool {
	v := reflect.ValueOf(a).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("type") == p.name {
			if !v.Field(i).IsNil() {
				return false
			}
			v.Field(i).Set(p.v.Addr())
			return true
		}
	}
	for _, o := range a.Other {
		if o.Type == p.name {
			return false
		}
	}
	a.Other = append(a.Other, p.v.Interface().(OtherComponent))
	return true
}

// newPart returns an empty component of a type, with the Go type that App or OrgSettings has for it.
func newPart(t componentType) part {
	v := reflect.New(otherType).Elem()
	for _, holder := range []reflect.Type{reflect.TypeFor[App](), reflect.TypeFor[OrgSettings]()} {
		for i := range holder.NumField() {
			if holder.Field(i).Tag.Get("type") == t.name {
				v = reflect.New(holder.Field(i).Type.Elem()).Elem()
			}
		}
	}
	if o, ok := v.Addr().Interface().(*OtherComponent); ok {
		o.Type = t.name
	}
	return existing(t, v)
}

// typed tells whether a type has a Go struct of its own.
func (t componentType) typed() bool { return newPart(t).v.Type() != otherType }

// Clone returns a deep copy: a change of one does not change the other.
func (a App) Clone() App {
	c := a
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("type") != "" {
			v.Field(i).Set(cloneValue(v.Field(i)))
		}
	}
	c.Other = slices.Clone(a.Other)
	return c
}

// Validate returns nil if the app is complete. It must be made from a valid spec. Every component must belong to it, and must
// have the elements that the schema requires. The header must exist. Of OAuth settings and global OAuth settings, both or none
// must exist, because Salesforce refuses one without the other. Otherwise the error joins one *[Error] for each fault.
func (a App) Validate() error {
	errs := []error{a.validParts()}
	missing := func(typeName string) {
		errs = append(errs, &Error{Op: "validate", Name: string(a.Kind) + " " + a.Name,
			Err: fmt.Errorf("its %s is missing", typeName)})
	}
	switch {
	case a.Kind == KindConnectedApp && a.Connected == nil:
		missing("ConnectedApp")
	case a.Kind == KindExternalClientApp && a.External == nil:
		missing("ExternalClientApplication")
	}
	if a.GlobalOAuthSettings != nil && a.OAuthSettings == nil {
		missing("ExtlClntAppOauthSettings")
	}
	if a.OAuthSettings != nil && a.GlobalOAuthSettings == nil {
		missing("ExtlClntAppGlobalOauthSettings")
	}
	return errors.Join(errs...)
}

// validParts judges what is there, not what is missing.
func (a App) validParts() error {
	errs := []error{a.fault}
	fault := func(p part, path, text string) {
		errs = append(errs, &Error{Op: "validate", Name: p.label(), Line: p.Position(path).Line, Err: errors.New(text)})
	}
	if a.Kind != KindExternalClientApp && a.Kind != KindConnectedApp {
		errs = append(errs, &Error{Op: "validate", Name: "App.Kind", Err: errors.New("is neither of the two kinds of app")})
	}
	for _, p := range a.parts() {
		if (p.name == "ConnectedApp") != (a.Kind == KindConnectedApp) {
			fault(p, "", "an app of kind "+string(a.Kind)+" has no "+p.name)
		}
		if p.dir == "" {
			fault(p, "", "is of no type that apps have")
		}
		if !fitsAFileName(p.FullName) {
			fault(p, "", errUnfitName.Error())
		}
		if p.appName() != a.Name {
			fault(p, "externalClientApplication", "belongs to the app "+quoted(p.appName())+", not to "+quoted(a.Name))
		}
		lines := map[string]int{} // a list's members have one path, and a file may have thousands of them
		walk("", p.v, func(path string, f field, v reflect.Value) {
			if f.mark != "required" || !v.IsZero() {
				return
			}
			line, known := lines[path]
			if !known {
				line = p.Position(path).Line
				lines[path] = line
			}
			errs = append(errs, &Error{Op: "validate", Name: p.label(), Line: line, Err: errors.New("<" + path + "> is required by the schema")})
		})
	}
	return errors.Join(errs...)
}

func quoted(s string) string { return fmt.Sprintf("%+.200q", s) }
