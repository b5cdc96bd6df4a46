package sfauth_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents returns every document of the repository by its path. Folders of other people's software hold none of ours.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if err == nil && !d.IsDir() && path.Ext(name) == ".md" {
			all[filepath.ToSlash(name)] = read(t, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var (
	mdLink    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	mdHeading = regexp.MustCompile(`(?m)^#+ +(.+?)\s*$`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors returns the names of a document's headings, as GitHub makes them.
func anchors(document string) []string {
	var names []string
	for _, m := range mdHeading.FindAllStringSubmatch(fenced.ReplaceAllString(document, ""), -1) {
		names = append(names, strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return names
}

// links returns the links of a document that stay in the repository: the file each leads to, and the place in it.
func links(name, document string) (found [][2]string) {
	for _, m := range mdLink.FindAllStringSubmatch(fenced.ReplaceAllString(document, ""), -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		file, anchor, _ := strings.Cut(m[1], "#")
		target := name
		if file != "" {
			target = path.Join(path.Dir(name), file)
		}
		found = append(found, [2]string{target, anchor})
	}
	return found
}

func TestEveryLinkInADocumentLeadsSomewhere(t *testing.T) {
	all := documents(t)
	total := 0
	for name, document := range all {
		for _, link := range links(name, document) {
			total++
			if _, err := os.Stat(link[0]); err != nil || strings.HasPrefix(link[0], "..") {
				t.Errorf("%s links to %s, which is not here", name, link[0])
			} else if link[1] != "" && !slices.Contains(anchors(all[link[0]]), link[1]) {
				t.Errorf("%s links to %s#%s; its headings are %q", name, link[0], link[1], anchors(all[link[0]]))
			}
		}
	}
	if total < 15 {
		t.Errorf("found %d links in %d documents; the search for them is broken", total, len(all))
	}
}

func TestNoDocumentHasAHeadingTwice(t *testing.T) {
	for name, document := range documents(t) {
		seen := map[string]bool{}
		for _, anchor := range anchors(document) {
			if seen[anchor] {
				t.Errorf("%s has #%s twice", name, anchor)
			}
			seen[anchor] = true
		}
	}
}

func TestEveryPictureAndDocumentIsLinked(t *testing.T) {
	all := documents(t)
	linked := map[string]bool{"README.md": true}
	for name, document := range all {
		for _, link := range links(name, document) {
			linked[link[0]] = true
		}
	}
	files, err := filepath.Glob("docs/pictures/*")
	if err != nil || len(files) == 0 {
		t.Errorf("%d pictures, %v", len(files), err)
	}
	for _, name := range append(files, slices.Sorted(maps.Keys(all))...) {
		if !linked[filepath.ToSlash(name)] {
			t.Errorf("no document links to %s", name)
		}
	}
}

func TestLinksAndHeadingsAreReadAsGitHubDoes(t *testing.T) {
	got := links("docs/a.md", "[x](b.md#one) [y](../README.md) [z](#two) ![p](pictures/p.png) [w](https://x.example/y)\n```\n[no](none.md)\n```\n")
	want := [][2]string{{"docs/b.md", "one"}, {"README.md", ""}, {"docs/a.md", "two"}, {"docs/pictures/p.png", ""}}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := anchors("# What is `real`, and what not?\n```sh\n# a note\n```\n## Now and then\n"), []string{"what-is-real-and-what-not", "now-and-then"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
