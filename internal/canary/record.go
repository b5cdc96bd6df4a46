package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fullcast/sfauth/internal/canary/search"
)

//go:embed testdata/record.go
var recorder []byte

const (
	secretFile = "internal/secret/secret.go"
	makesOne   = "return Secret{reveal:"
)

// writeOverlay writes a compiler's overlay for the module at root: the type of a secret, writing down what it is made of.
func writeOverlay(root, dir string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	original := filepath.Join(root, secretFile)
	source, err := os.ReadFile(original)
	if err != nil {
		return err
	}
	if strings.Count(string(source), makesOne) != 1 {
		return errors.New(secretFile + " does not make a Secret in the one place that is known")
	}
	changed := strings.Replace(string(source), makesOne, "record(s)\n\t"+makesOne, 1)
	replace := map[string]string{
		original: filepath.Join(dir, "secret.go"),
		filepath.Join(root, "internal/secret/record.go"): filepath.Join(dir, "record.go"),
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "secret.go"), []byte(changed), 0o600),
		os.WriteFile(filepath.Join(dir, "record.go"), recorder, 0o600),
		os.WriteFile(filepath.Join(dir, "overlay.json"), list, 0o600),
	)
}

// readValues reads what the recorder wrote. That it wrote nothing is an error: who knows no secret finds none.
func readValues(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	seen := map[string]bool{}
	var known []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		s, err := strconv.Unquote(lines.Text())
		if err != nil {
			continue // a process was killed while it wrote
		}
		if !seen[s] && secretive(s) {
			seen[s] = true
			known = append(known, s)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(known) == 0 {
		return nil, errors.New("no secret was recorded; the tests were not built over the overlay")
	}
	return known, nil
}

// secretive leaves out what only sits in the type for a comparison, and what tests put in its place: consumer keys, which
// every authorize URL shows, addresses and sentences.
func secretive(s string) bool {
	words := utf8.ValidString(s) && strings.Count(s, " ") > 1
	return len(s) >= 16 && len(s) <= 4096 && !words && !strings.HasPrefix(s, "3MVG9") && !strings.Contains(s, "//") && !quotesRequest(s)
}

// quotesRequest reports whether a text is a request of ours, or a part of one, however it is escaped: a test's server that repeats
// requests has them taken for tokens. What is secret in it is known by itself.
func quotesRequest(s string) bool {
	for _, form := range search.Unescaped(s) {
		form = strings.ToLower(form)
		for _, word := range []string{"salesforce", "client_id", "grant_type", "services/", ".example"} {
			if strings.Contains(form, word) {
				return true
			}
		}
	}
	return false
}
