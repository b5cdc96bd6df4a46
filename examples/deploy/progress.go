package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/fullcast/sfauth/metadata"
)

// progress returns what shows a deployment's progress on w: a bar on a terminal, else a line for each change.
func progress(w io.Writer) func(metadata.DeployResult) {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return bar(w)
	}
	return lines(w)
}

func lines(w io.Writer) func(metadata.DeployResult) {
	last := ""
	return func(r metadata.DeployResult) {
		line := fmt.Sprintf("%s: %d of %d components", r.Status, r.Components.Finished, r.Components.Total)
		if r.Detail != "" {
			line += ", " + r.Detail
		}
		if line != last {
			fmt.Fprintln(w, line)
		}
		last = line
	}
}

func bar(w io.Writer) func(metadata.DeployResult) {
	b := progressbar.NewOptions(-1, progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
	return func(r metadata.DeployResult) {
		if r.Components.Total > 0 && b.GetMax() != r.Components.Total {
			b.ChangeMax(r.Components.Total)
		}
		b.Describe(r.Status)
		_ = b.Set(r.Components.Finished) // fails only beyond the maximum, which the org does not do
		if r.Done {
			fmt.Fprintln(w)
		}
	}
}
