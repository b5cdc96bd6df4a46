package adminhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBody bounds what one request may send.
const maxBody = 16 << 10

// maxWrong is how many fields one answer names.
const maxWrong = 20

// readBody returns the fields of a request's body. A body is one JSON object of strings, whose names are exactly those of the
// route, each at most once. What it holds is never repeated in a problem.
func readBody(w http.ResponseWriter, r *http.Request, route Route) (map[string]string, *Problem) {
	if route.Method == http.MethodGet || route.Method == http.MethodDelete {
		return nil, nil
	}
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := parameters["charset"]; err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, &Problem{Status: http.StatusUnsupportedMediaType, Code: CodeMediaType, Message: "The body must be application/json in UTF-8."}
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &Problem{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Message: "The body must be at most 16 KiB."}
	case err != nil:
		return nil, malformed()
	case len(bytes.TrimSpace(text)) == 0 && len(route.Fields) == 0:
		return nil, nil
	}
	return fieldsOf(text, route.Fields)
}

func malformed() *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: CodeMalformed, Message: "The body must be one JSON object."}
}

// fieldsOf reads an object of strings. Package json alone would take a name in another case for the name, and the last of two.
func fieldsOf(text []byte, names []string) (map[string]string, *Problem) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, malformed()
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, malformed()
	}
	got, wrong := map[string]string{}, []Field{}
	for d.More() && len(wrong) < maxWrong {
		token, err := d.Token()
		name, _ := token.(string)
		var value any
		if err != nil || d.Decode(&value) != nil {
			return nil, malformed()
		}
		plain, ok := value.(string)
		switch _, twice := got[name]; {
		case !slices.Contains(names, name):
			wrong = append(wrong, Field{shown(name), "This field is not known here."})
		case twice:
			wrong = append(wrong, Field{name, "This field must not be sent twice."})
		case !ok:
			wrong = append(wrong, Field{name, "This field must be a string."})
		}
		got[name] = plain
	}
	if len(wrong) > 0 {
		return nil, Invalid(wrong...)
	}
	return got, nil
}

// shown keeps what a program may have sent in the place of a name out of an answer.
func shown(name string) string {
	odd := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", r)
	}
	if len(name) > 24 || name == "" || strings.ContainsFunc(name, odd) {
		return "unknown"
	}
	return name
}
