package metadata_test

import (
	"archive/zip"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/fullcast/sfauth/metadata"
)

func TestAnEncodingOtherThanUTF8IsRefusedByItsName(t *testing.T) {
	const text = `<?xml version="1.0"?><ConnectedApp` + ns + `><label>A</label></ConnectedApp>`
	wide := func(order binary.AppendByteOrder, mark bool) []byte {
		var data []byte
		if mark {
			data = order.AppendUint16(data, 0xfeff)
		}
		for _, unit := range utf16.Encode([]rune(text)) {
			data = order.AppendUint16(data, unit)
		}
		return data
	}
	declared := func(name string) []byte {
		return []byte(strings.Replace(text, `"1.0"`, `"1.0" encoding="`+name+`"`, 1))
	}
	for _, tt := range []struct {
		name, says string
		data       []byte
	}{
		{"UTF-16 with its mark", "its encoding is UTF-16, and only UTF-8 is taken: save it as UTF-8", wide(binary.LittleEndian, true)},
		{"UTF-16 of the other order", "its encoding is UTF-16, ", wide(binary.BigEndian, true)},
		{"UTF-16 without a mark", "its encoding is UTF-16, ", wide(binary.LittleEndian, false)},
		{"UTF-16 of the other order without a mark", "its encoding is UTF-16, ", wide(binary.BigEndian, false)},
		{"UTF-32", "its encoding is UTF-32, ", append([]byte("\xff\xfe\x00\x00"), "<\x00\x00\x00"...)},
		{"declared Latin 1", "its encoding is ISO-8859-1, ", declared("ISO-8859-1")},
		{"declared Windows", "its encoding is windows-1252, ", declared("windows-1252")},
		{"declared ASCII", "its encoding is US-ASCII, ", declared("US-ASCII")},
		{"declared Japanese", "its encoding is Shift_JIS, ", declared("Shift_JIS")},
		{"declared UTF-16 in bytes of UTF-8", "its encoding is UTF-16, ", declared("UTF-16")},
		{"declared nonsense, which may be a secret", "its encoding is not UTF-8, ", declared("5uper5ecret")},
		{"Latin 1 that says UTF-8", "invalid UTF-8", []byte(strings.Replace(text, ">A<", ">M\xfcller<", 1))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := metadata.ParseFile("A.connectedApp", tt.data)
			if err == nil || !strings.Contains(err.Error(), "A.connectedApp:1: "+tt.says) || strings.Contains(err.Error(), "5uper5ecret") {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
	for _, name := range []string{"UTF-8", "utf-8", "Utf-8"} {
		if _, err := metadata.ParseFile("A.connectedApp", append([]byte("\ufeff"), declared(name)...)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAZipWhoseNamesHaveBackslashesIsRefusedAndSaysSo(t *testing.T) {
	for _, name := range []string{`unpackaged\connectedApps\A.connectedApp`, `connectedApps/A\B.connectedApp`, `unpackaged\`} {
		apps, err := metadata.ParseZip(zipOf(t, func(w *zip.Writer) {
			store(w, "package.xml", "<Package"+ns+"/>")
			store(w, name, "<ConnectedApp"+ns+"/>")
		}))
		if err == nil || len(apps) > 0 || !strings.Contains(err.Error(), "has a backslash: make the zip with slashes between the names of folders") {
			t.Errorf("%s: %d apps, %v", name, len(apps), err)
		}
	}
}

func TestSecuritySettingsThatSayNothingAreLeftOutUnlessTheyAreAllThereIs(t *testing.T) {
	settings := []byte("<ExtlClntAppOauthSecuritySettings" + ns + "><externalClientApplication>A</externalClientApplication></ExtlClntAppOauthSecuritySettings>")
	lone, err := metadata.ParseFile("A_oauthSecurity.ecaOauthSecurity", settings)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := lone.Package(67)
	if err != nil || len(pkg.Files) != 2 || string(pkg.Files[1].Data) != string(settings) {
		t.Errorf("%+v, %v", pkg, err)
	}
	if files, err := lone.Source(); err != nil || len(files) != 1 {
		t.Errorf("%d files, %v", len(files), err)
	}
	if _, err := lone.Package(66); err == nil || !strings.Contains(err.Error(), "needs API version 67.0") {
		t.Errorf("%v", err)
	}
	lone.External = &metadata.ExternalClientApplication{Component: metadata.Component{FullName: "A"}}
	if pkg, err := lone.Package(66); err != nil || len(pkg.Files) != 2 || !strings.HasSuffix(pkg.Files[1].Name, ".eca") {
		t.Errorf("%+v, %v", pkg, err)
	}
}
