package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/fullcast/sfauth/internal/canary/search"
)

func main() {
	asJSON := flag.Bool("json", false, "the input is that of go test -json")
	values := flag.String("values", "", "`file` of known secrets, one Go string a line")
	overlay := flag.String("overlay", "", "write a compiler's overlay that records secrets to this `folder`, and end")
	flag.Parse()
	var err error
	if *overlay != "" {
		err = writeOverlay(".", *overlay)
	} else {
		err = watch(os.Stdin, os.Stdout, *asJSON, *values)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "canary:", err)
		os.Exit(1)
	}
}

// said is one line of output.
type said struct{ who, line string }

// watch passes its input on and returns an error that names each place where a secret was printed.
func watch(in io.Reader, out io.Writer, asJSON bool, values string) error {
	lines, err := passOn(in, out, asJSON)
	if err != nil {
		return err
	}
	known, err := readValues(values) // now that all who write it have ended
	if err != nil {
		return err
	}
	f := search.New(known)
	hits := 0
	for i, l := range lines {
		if what := f.Find(l.line); what != "" {
			if hits++; hits <= 20 {
				fmt.Fprintf(out, "canary: line %d, printed by %s, holds %s\n", i+1, l.who, what)
			}
		}
	}
	if hits > 0 {
		return fmt.Errorf("secrets are in %d of %d lines", hits, len(lines))
	}
	if values != "" {
		fmt.Fprintf(out, "canary: none of %d known secrets is in %d lines\n", len(known), len(lines))
	}
	return nil
}

// passOn copies in to out, line by line or as go test would, and returns all of it.
func passOn(in io.Reader, out io.Writer, asJSON bool) ([]said, error) {
	var lines []said
	show := testOutput{out: out, of: map[[2]string][]string{}}
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadString('\n')
		switch {
		case line == "":
		case asJSON:
			lines = append(lines, show.event(line)...)
		default:
			fmt.Fprint(out, line)
			lines = append(lines, said{"the program", line})
		}
		if err == io.EOF {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
	}
}
