package metadata

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"reflect"
	"slices"
	"strings"
)

// File is one file of a package or a source tree.
type File struct {
	Name string // slash-separated, relative
	Data []byte
}

// Package is the content of a deployment: package.xml and the component files.
type Package struct {
	Version APIVersion
	Files   []File // package.xml first, then by name
}

// The versions an app can be packaged for.
const (
	oldestVersion APIVersion = 57
	newestVersion APIVersion = 99 // later ones are not refused for being unknown
)

// Package returns the app's components as a package of API version v, 57 to 99. It leaves out the values that Salesforce sets
// itself (consumerKey, consumerSecret, oauthLink, orgScopedExternalApp) and orders to Salesforce (shouldRotate…). It spells
// Salesforce's words as the server spells them. Everything else is as in the app. If it was read and not changed, it is equal
// byte for byte.
//
// No secret is packaged. Package recognises a secret in three ways: by a name beside it ("clientSecret: …", "the password is …",
// "?token=…", a pair of name and value); by its form (a private key, a session ID, a refresh token, a JWT, the password of a
// URL); or because it is a secret of the app. It recognises them in all encodings of XML, URLs and JSON. Placeholders such as
// {token} are not secrets. If an unknown element, an attribute, a comment or a processing instruction holds a secret, Package
// leaves it out. If an element of the app, the declaration of its namespace, or the name of a component holds one, Package
// returns an error that names the place: the owner of the file or app must remove the secret. Package does not recognise a secret
// that has neither name nor form, or that reads as a word.
//
// Package returns an error in these cases: v is out of range; the app has no component; it was made from an invalid spec; a
// component belongs to another app; a component lacks an element that the schema requires; or the version does not have a field
// or an enumeration's word. In the last case the error names the version that has it. A missing component is no error: a package
// may hold only some components.
func (a App) Package(v APIVersion) (*Package, error) {
	if v < oldestVersion || v > newestVersion {
		return nil, &Error{Op: "package", Name: a.Name, Err: fmt.Errorf("API version %d is not between %d and %d", v, oldestVersion, newestVersion)}
	}
	if err := a.validParts(); err != nil {
		return nil, err
	}
	known := a.known()
	a = a.portable()
	pkg := &Package{Version: v}
	members := map[string][]string{}
	parts := a.parts()
	for _, p := range parts {
		if err := p.fits(v); err != nil {
			return nil, err
		}
	}
	data, err := withoutSecrets(parts, known)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		pkg.Files = append(pkg.Files, File{p.dir + "/" + p.FullName + "." + p.suffix, data[i]})
		members[p.name] = append(members[p.name], p.FullName)
	}
	if len(pkg.Files) == 0 {
		return nil, &Error{Op: "package", Name: a.Name, Err: errors.New("the app has no component")}
	}
	slices.SortFunc(pkg.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	pkg.Files = slices.Insert(pkg.Files, 0, File{"package.xml", manifest(members, v)})
	return pkg, nil
}

// portable returns a copy without what belongs to one org or is an order.
func (a App) portable() App {
	c := a.Clone()
	if s := c.SecuritySettings; s != nil && len(c.parts()) > 1 && s.TokenIPRanges == nil && s.TLSClientAuthCertParamType == "" && s.TLSClientAuthCertParamValue == "" && len(s.Unknown()) == 0 {
		c.SecuritySettings = nil // Salesforce makes it itself; this one says nothing, and is not all there is
	}
	for _, p := range c.parts() {
		walk("", p.v, func(_ string, f field, v reflect.Value) {
			if f.mark == "platform" || f.mark == "action" {
				v.SetZero()
			}
		})
	}
	return c
}

// fits reports a type, field or word that an API version does not have.
func (p part) fits(v APIVersion) error {
	if v < p.since {
		return &Error{Op: "package", Name: p.label(), Err: errors.New(span{since: p.since}.misfit(p.name, v))}
	}
	var err error
	walk("", p.v, func(path string, f field, fv reflect.Value) {
		if fv.IsZero() || err != nil {
			return
		}
		text := f.span.misfit("<"+path+">", v)
		for _, word := range f.words(fv) {
			text = cmp.Or(text, vocabularies()[f.enum].spans[word].misfit("<"+path+"> "+word, v))
		}
		if text != "" {
			err = &Error{Op: "package", Name: p.label(), Line: p.Position(path).Line, Err: errors.New(text)}
		}
	})
	return err
}

// words are those of an enumeration that a field holds, as the server spells them.
func (f field) words(v reflect.Value) []string {
	switch {
	case f.enum == "":
		return nil
	case v.Kind() != reflect.Slice:
		return []string{spelledWord(f.enum, v.String())}
	}
	words := make([]string, v.Len())
	for i := range words {
		words[i] = spelledWord(f.enum, v.Index(i).String())
	}
	return words
}

// manifest writes package.xml: types and members in order.
func manifest(members map[string][]string, v APIVersion) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Package xmlns="` + namespace + `">` + "\n")
	types := make([]string, 0, len(members))
	for t := range members {
		types = append(types, t)
	}
	slices.Sort(types)
	for _, t := range types {
		b.WriteString("    <types>\n")
		slices.Sort(members[t])
		for _, m := range members[t] {
			b.WriteString("        <members>" + escaper.Replace(m) + "</members>\n")
		}
		b.WriteString("        <name>" + t + "</name>\n    </types>\n")
	}
	b.WriteString("    <version>" + v.String() + "</version>\n</Package>\n")
	return []byte(b.String())
}

// Zip returns the package as a zip file. The bytes are the same every time, because nothing is compressed and no time is stored.
func (p *Package) Zip() ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range p.Files {
		size := uint64(len(f.Data))
		// Raw, for sizes in the entry's own header: Java, which reads this, cannot read a stored entry without.
		entry, err := w.CreateRaw(&zip.FileHeader{
			Name: f.Name, Method: zip.Store, CreatorVersion: 20, ReaderVersion: 20, Flags: 0x800, // names are UTF-8
			//lint:ignore SA1019 CreateRaw takes the date only here; it is 1 January 1980, the first there is
			ModifiedDate: 0x21,
			CRC32:        crc32.ChecksumIEEE(f.Data), CompressedSize64: size, UncompressedSize64: size,
		})
		if err == nil {
			_, err = entry.Write(f.Data)
		}
		if err != nil {
			return nil, &Error{Op: "package", Name: f.Name, Err: err}
		}
	}
	if err := w.Close(); err != nil {
		return nil, &Error{Op: "package", Name: "package.xml", Err: err}
	}
	return buf.Bytes(), nil
}
