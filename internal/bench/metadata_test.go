package bench

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/klauspost/compress/flate"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
)

const xmlns = "http://soap.sforce.com/2006/04/metadata"

// plainApp is a connected app as encoding/xml takes it, with the fields that the instructions list. Unlike package
// metadata it loses whatever else a file holds.
type plainApp struct {
	XMLName     xml.Name    `xml:"ConnectedApp"`
	Namespace   string      `xml:"xmlns,attr"`
	ContactMail string      `xml:"contactEmail"`
	Label       string      `xml:"label"`
	OAuth       plainOAuth  `xml:"oauthConfig"`
	Policy      plainPolicy `xml:"oauthPolicy"`
}

type plainOAuth struct {
	CallbackURL    string   `xml:"callbackUrl"`
	AdminApproved  bool     `xml:"isAdminApproved"`
	SecretOptional bool     `xml:"isConsumerSecretOptional"`
	PKCE           bool     `xml:"isPkceRequired"`
	RefreshSecret  bool     `xml:"isSecretRequiredForRefreshToken"`
	Scopes         []string `xml:"scopes"`
}

type plainPolicy struct {
	IPRelaxation string `xml:"ipRelaxation"`
	RefreshToken string `xml:"refreshTokenPolicy"`
}

// connectedApp is the app of the older instructions and its file, of 1 kB.
func connectedApp(t *testing.T) (metadata.App, []byte) {
	t.Helper()
	app := fullcast.ConnectedApp(fullcast.Production, "admin@acme.example").New()
	return app, write(app)
}

func write(app metadata.App) []byte {
	files, err := app.Files()
	if err != nil || len(files) != 1 {
		panic(fmt.Sprint(len(files), " files: ", err))
	}
	return files[0].Data
}

func read(data []byte) metadata.App {
	app, err := metadata.ParseFile("Fullcast_Motion_Package.connectedApp", data)
	if err != nil {
		panic(err)
	}
	return app
}

func writePlain(app plainApp) []byte {
	data, err := xml.MarshalIndent(app, "", "    ")
	if err != nil {
		panic(err)
	}
	return data
}

func readPlain(data []byte) (app plainApp) {
	if err := xml.Unmarshal(data, &app); err != nil {
		panic(err)
	}
	return app
}

func writeTree(app plainApp) []byte {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("ConnectedApp")
	root.CreateAttr("xmlns", app.Namespace)
	add := func(e *etree.Element, name, text string) { e.CreateElement(name).SetText(text) }
	add(root, "contactEmail", app.ContactMail)
	add(root, "label", app.Label)
	oauth := root.CreateElement("oauthConfig")
	add(oauth, "callbackUrl", app.OAuth.CallbackURL)
	add(oauth, "isAdminApproved", fmt.Sprint(app.OAuth.AdminApproved))
	add(oauth, "isConsumerSecretOptional", fmt.Sprint(app.OAuth.SecretOptional))
	add(oauth, "isPkceRequired", fmt.Sprint(app.OAuth.PKCE))
	add(oauth, "isSecretRequiredForRefreshToken", fmt.Sprint(app.OAuth.RefreshSecret))
	for _, s := range app.OAuth.Scopes {
		add(oauth, "scopes", s)
	}
	policy := root.CreateElement("oauthPolicy")
	add(policy, "ipRelaxation", app.Policy.IPRelaxation)
	add(policy, "refreshTokenPolicy", app.Policy.RefreshToken)
	doc.Indent(4)
	data, err := doc.WriteToBytes()
	if err != nil {
		panic(err)
	}
	return data
}

func readTree(data []byte) *etree.Document {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil {
		panic(err)
	}
	return doc
}

// TestEveryWriterOfAnAppWritesTheSame makes the rows below fair: all of them do the same work.
func TestEveryWriterOfAnAppWritesTheSame(t *testing.T) {
	_, ours := connectedApp(t)
	want := string(ours)
	plain := readPlain(ours)
	plain.XMLName.Space, plain.Namespace = "", xmlns
	// encoding/xml writes a line feed as a reference, where Salesforce has it raw.
	if got := xml.Header + strings.ReplaceAll(string(writePlain(plain)), "&#xA;", "\n") + "\n"; got != want {
		t.Errorf("encoding/xml writes\n%s\nwant\n%s", got, want)
	}
	if got := string(writeTree(plain)); got != want {
		t.Errorf("etree writes\n%s\nwant\n%s", got, want)
	}
	if got := string(write(read(ours))); got != want {
		t.Errorf("read and written, it is\n%s\nwant\n%s", got, want)
	}
	strange := strings.Replace(want, "<label>", "<!-- ours --><newThing/>\n    <label>", 1)
	if got := string(write(read([]byte(strange)))); got != strange {
		t.Errorf("what is not known is lost:\n%s", got)
	}
}

func TestRow7TheMetadata(t *testing.T) {
	quiet(t)
	const slice = 20 * time.Millisecond
	app, data := connectedApp(t)
	plain := readPlain(data)
	plain.XMLName.Space, plain.Namespace = "", xmlns
	judge(t, byCPU, func(longer int) []row {
		w := paired(1, 30*longer, slice,
			alternative{"encoding/xml", func() { writePlain(plain) }},
			alternative{"ours", func() { write(app) }},
			alternative{"etree", func() { writeTree(plain) }})
		r := paired(1, 30*longer, slice,
			alternative{"encoding/xml", func() { readPlain(data) }},
			alternative{"ours", func() { read(data) }},
			alternative{"etree", func() { readTree(data) }})

		pkg, err := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New().Package(66)
		if err != nil || len(pkg.Files) != 6 {
			t.Fatal(len(pkg.Files), err)
		}
		fast, err := flate.NewWriter(nil, flate.DefaultCompression)
		if err != nil {
			t.Fatal(err)
		}
		z := paired(1, 30*longer, slice,
			alternative{"archive/zip", func() { deflate(pkg, nil) }},
			alternative{"ours", func() {
				if _, err := pkg.Zip(); err != nil {
					panic(err)
				}
			}},
			alternative{"klauspost", func() {
				deflate(pkg, func(w io.Writer) (io.WriteCloser, error) { fast.Reset(w); return fast, nil })
			}})
		guide(
			row{"7a", fmt.Sprintf("write a file of %d B", len(data)), fmt.Sprintf("etree %.2f×", w[2].ratio.mid), w[1].ratio, 0.3, "× encoding/xml"},
			row{"7a", "  allocations", fmt.Sprintf("encoding/xml %v, etree %v", w[0].allocs, w[2].allocs), counted(w[1].allocs), 3, ""},
			row{"7b", "read it", fmt.Sprintf("etree %.2f×", r[2].ratio.mid), r[1].ratio, 0.3, "× encoding/xml"},
			row{"7b", "  allocations", fmt.Sprintf("encoding/xml %v, etree %v", r[0].allocs, r[2].allocs), counted(r[1].allocs), 60, ""},
		)
		return []row{
			{"7a", "  beside the best peer", "", w[1].ratio, 1, "× encoding/xml"},
			{"7b", "  beside the best peer", "", r[1].ratio, 1.2, "× encoding/xml"},
			{"7c", "zip a package of 6 files", fmt.Sprintf("klauspost deflate %.2f×", z[2].ratio.mid), z[1].ratio, 0.1, "× archive/zip deflate"},
		}
	})
}

// deflate makes a zip of the package that is compressed; a nil compressor is archive/zip's own.
func deflate(pkg *metadata.Package, compressor zip.Compressor) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if compressor != nil {
		w.RegisterCompressor(zip.Deflate, compressor)
	}
	for _, f := range pkg.Files {
		entry, err := w.Create(f.Name)
		if err == nil {
			_, err = entry.Write(f.Data)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
}
