package main

import (
	"fmt"
	"io"
	"strings"
)

// story prints what happens, in chapters.
type story struct {
	out     io.Writer
	chapter int
}

// say begins a chapter.
func (s *story) say(title, format string, args ...any) {
	s.chapter++
	fmt.Fprintf(s.out, "\n%d. %s\n   %s\n", s.chapter, title, fmt.Sprintf(format, args...))
}

// note goes on with it.
func (s *story) note(format string, args ...any) {
	fmt.Fprintf(s.out, "   %s\n", fmt.Sprintf(format, args...))
}

func (s *story) print(text string) { fmt.Fprintln(s.out, text) }

func indent(text string) string {
	return strings.ReplaceAll("   "+strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n   "), "   \n", "\n") + "\n"
}
