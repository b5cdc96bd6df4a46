package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/internal/secretscan"
)

// concealed is a name or path without what of it is a secret.
func concealed(name string) string { return secretscan.Known{}.Mask(name) }

// printable replaces what could steer a terminal: values come from files of others.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || scrub.Visible(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// inOneLine joins the members of a list.
func inOneLine(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return printable(strings.ReplaceAll(s, "\n", ", "))
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
