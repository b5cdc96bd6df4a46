package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// testOutput turns the events of go test -json into what go test shows: the result of each package, and what tests that
// failed have printed.
type testOutput struct {
	out io.Writer
	of  map[[2]string][]string // package and test, while it runs
}

// event takes one event, and returns what was printed.
func (t *testOutput) event(line string) []said {
	var e struct{ Action, Package, ImportPath, Test, Output string }
	if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		fmt.Fprint(t.out, line) // a complaint of the go command itself
		return []said{{"go", line}}
	}
	test := [2]string{e.Package, e.Test}
	switch {
	case e.Action == "output" && e.Test != "":
		t.of[test] = append(t.of[test], e.Output)
	case e.Action == "output", e.Action == "build-output":
		if e.Output != "PASS\n" {
			fmt.Fprint(t.out, e.Output)
		}
	case e.Action == "fail" && e.Test == "": // a test that a panic or a timeout has ended has no end of its own
		for running := range t.of {
			if running[0] == e.Package {
				t.show(running)
			}
		}
	case e.Action == "fail":
		t.show(test)
	case e.Action == "pass", e.Action == "skip":
		delete(t.of, test)
	}
	if e.Output == "" {
		return nil
	}
	return []said{{strings.Join(strings.Fields(e.Package+e.ImportPath+" "+e.Test), " "), e.Output}}
}

func (t *testOutput) show(test [2]string) {
	fmt.Fprint(t.out, strings.Join(t.of[test], ""))
	delete(t.of, test)
}
