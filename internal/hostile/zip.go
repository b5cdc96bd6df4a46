package hostile

import (
	"archive/zip"
	"bytes"
	"strings"
)

// Zip is a kind of zip whose entries have hostile names.
type Zip struct {
	Name string
	Make func(size int) []byte // a zip of about that size; the same for the same size
}

// Zips returns every such kind.
func Zips() []Zip {
	const ofEntry = 200 // bytes of an entry beside its name, which stands twice
	entries := func(length int, name func(length int) string) func(int) []byte {
		return func(size int) []byte {
			length := min(length, size/2)
			var names []string
			for i := range max(1, size/(2*length+ofEntry)) {
				names = append(names, strings.Repeat("0", i%10)+strings.Repeat("1", i/10%10)+strings.Repeat("2", i/100)+name(length))
			}
			return zipOf(names)
		}
	}
	return []Zip{
		{"one folder in another", entries(64_000, func(length int) string { return "0/" + strings.Repeat("d/", length/2-20) + "New.connectedApp" })},
		{"folders as deep as may be", entries(500, func(length int) string {
			return "/" + strings.Repeat(strings.Repeat("d", length/31-2)+"/", 30) + "New.eca"
		})},
		{"long names", entries(900, func(length int) string { return strings.Repeat("n", length) + ".eca" })},
		{"long names of folders", entries(900, func(length int) string { return strings.Repeat("n", length) + "/New.eca" })},
	}
}

func zipOf(names []string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, name := range names {
		if strings.HasPrefix(name, "/") {
			name = "3" + name
		}
		f, err := w.Create(name)
		if err == nil && i == 0 {
			_, err = f.Write([]byte("<ExternalClientApplication" + xmlns + "/>"))
		}
		if err != nil {
			panic(err) // a buffer takes everything
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}
