package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/hostile"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// task is what is done with the apps of a hostile tree.
type task struct {
	name string
	do   func(c *customer) int // returns how many bytes came out; 0 where nothing is written
}

// customer is what a hostile tree was read as, twice.
type customer struct {
	tree    fstest.MapFS
	apps    []metadata.App
	again   []metadata.App
	reports []policy.Report
}

func newCustomer(tree fstest.MapFS) *customer {
	c := &customer{tree: tree}
	c.apps, _ = metadata.Parse(tree) // some shapes have errors, which are part of the work
	c.again, _ = metadata.Parse(tree)
	c.check()
	return c
}

func (c *customer) check() int {
	c.reports = nil
	old := fullcast.ConnectedApp(fullcast.Production, "").New()
	before := &old
	for i, a := range c.apps {
		if a.Kind == metadata.KindConnectedApp {
			before = &c.apps[i]
		}
	}
	for _, a := range c.apps {
		rules := append(policy.Baseline(instructions(a)), policy.Hardening()...)
		rules = append(append(rules, policy.PartnerRequirements2026()...), policy.Prerequisites()...)
		c.reports = append(c.reports, policy.Check(policy.Subject{App: a, Version: 66, Before: before}, rules...))
	}
	return 0
}

func instructions(a metadata.App) metadata.AppSpec {
	if a.Kind == metadata.KindConnectedApp {
		return fullcast.ConnectedApp(fullcast.Production, "admin@acme.example")
	}
	return fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")
}

func sizes(files []metadata.File, _ error) int {
	n := 0
	for _, f := range files {
		n += len(f.Data)
	}
	return n
}

// differences are those of all apps, each with one other.
func differences(c *customer, other func(metadata.App, int) metadata.App) int {
	n := 0
	for i, a := range c.apps {
		for _, d := range policy.Diff(a, other(a, i)) {
			n += len(d.Field) + len(d.A) + len(d.B)
		}
	}
	return n
}

func tasks() []task {
	all := []task{
		{"Parse", func(c *customer) int { _, err := metadata.Parse(c.tree); return len(fmt.Sprint(err)) }},
		{"Validate", func(c *customer) int {
			n := 0
			for _, a := range c.apps {
				n += len(fmt.Sprint(a.Validate()))
			}
			return n
		}},
		{"Files", func(c *customer) int {
			n := 0
			for _, a := range c.apps {
				n += sizes(a.Files())
			}
			return n
		}},
		{"Package", func(c *customer) int {
			n := 0
			for _, a := range c.apps {
				if pkg, err := a.Package(68); err == nil {
					n += sizes(pkg.Files, nil)
				} else {
					n += len(err.Error())
				}
			}
			return n
		}},
		{"Merge", func(c *customer) int {
			n := 0
			for _, a := range c.apps {
				spec := instructions(a)
				spec.APIName = a.Name
				n += sizes(spec.Merge(a).Files())
			}
			return n
		}},
		{"Check", (*customer).check},
		{"Correct", func(c *customer) int {
			n := 0
			for i, r := range c.reports {
				n += sizes(r.Correct(c.apps[i]).Files())
			}
			return n
		}},
		{"Diff with the same", func(c *customer) int {
			return differences(c, func(_ metadata.App, i int) metadata.App { return c.again[i] })
		}},
		{"Diff with the instructions", func(c *customer) int {
			return differences(c, func(a metadata.App, _ int) metadata.App { return instructions(a).New() })
		}},
		{"Diff with the migrated", func(c *customer) int {
			to := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New()
			return differences(c, func(metadata.App, int) metadata.App { return to })
		}},
		{"Diff of the migrated", func(c *customer) int {
			to, n := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New(), 0
			for _, a := range c.apps {
				n += len(fmt.Sprint(policy.Diff(to, a)))
			}
			return n
		}},
		{"PlanMigration", func(c *customer) int {
			n := 0
			for _, a := range c.apps {
				plan, err := policy.PlanMigration(a, fullcast.ExternalClientApp(fullcast.Production, ""))
				if err != nil {
					continue
				}
				data, err := json.Marshal(plan)
				if err != nil {
					panic(err)
				}
				n += len(data) + len(plan.String())
			}
			return n
		}},
	}
	for _, form := range []policy.Format{policy.Text, policy.Markdown, policy.HTML, policy.JSON, policy.SARIF} {
		all = append(all, task{"a report as " + string(form), func(c *customer) int {
			var b bytes.Buffer
			if err := policy.Write(io.Writer(&b), form, c.reports...); err != nil {
				panic(err)
			}
			return b.Len()
		}})
	}
	return all
}

// cost is the CPU time of a task, as the mean of a batch of 10 ms or more, in the fastest of some batches; and what came out.
func cost(do func(*customer) int, c *customer, batches int) (time.Duration, int) {
	best, out := time.Duration(math.MaxInt64), 0
	runtime.GC() // what another task has left is not this one's
	for range batches {
		n, before := 0, processTime()
		for ; n == 0 || processTime()-before < 10*time.Millisecond; n++ {
			out = do(c)
		}
		best = min(best, (processTime()-before)/time.Duration(n))
	}
	return max(best, 1), out
}

// worst is the task of a shape that comes out worst.
type worst struct {
	task string
	got  float64
}

func (w *worst) take(task string, got float64) {
	if w.task == "" || got > w.got {
		w.task, w.got = task, got
	}
}

// slopeOf is how the time of a task grows between two sizes: 1 is linear, 2 is quadratic. It is the least of some, each of two
// times that were taken one after the other: a machine that others use makes some steeper, and growth shows in all.
func slopeOf(do func(*customer) int, small, big *customer, ratio float64) (slope float64, high time.Duration) {
	slope, high = math.Inf(1), math.MaxInt64
	for range 6 {
		l, _ := cost(do, small, 3)
		h, _ := cost(do, big, 1)
		slope, high = min(slope, math.Log(h.Seconds()/l.Seconds())/math.Log(ratio)), min(high, h)
		if slope <= maxSlope {
			break
		}
	}
	return slope, high
}

const maxSlope = 1.1

var hostileShapes = flag.String("shapes", "", "shapes of hostile files that TestRow10 measures, parts of names; all where empty")

// TestRow10HostileFiles has one row for each shape of a file: how the time of the task that grows most grows with the size of
// the file, as the slope between logarithms. The dense shapes have all the elements that a file may have before they reach
// 1 MB, and serve 10b alone: a report says of each app what was not seen, some 30 KB, however small the app's file is.
func TestRow10HostileFiles(t *testing.T) {
	quiet(t)
	const (
		small, middle, big = 64 << 10, 1 << 20, 8<<20 - 8192
		tells              = 40 * time.Millisecond // 8 MB in less is the speed of the machine's memory
	)
	linear := map[string]row{} // shapes that are not measured again
	var slowest, largest worst
	judge(t, byCaches, func(int) []row {
		var rows []row
		for _, shape := range hostile.Shapes() {
			if !strings.Contains(shape.Name, *hostileShapes) {
				continue
			}
			if r, ok := linear[shape.Name]; ok {
				rows = append(rows, r)
				continue
			}
			low, mid := newCustomer(shape.Make(small)), newCustomer(shape.Make(middle))
			high, top := mid, middle
			if shape.Max > middle {
				high, top = newCustomer(shape.Make(big)), big
			}
			var steepest worst
			for _, task := range tasks() {
				took, out := cost(task.do, mid, 2)
				slowest.take(task.name+", "+shape.Name, took.Seconds())
				if top == big {
					largest.take(task.name+", "+shape.Name, float64(out)/middle)
				}
				if top == big && took >= tells*middle/big {
					slope, took := slopeOf(task.do, low, high, float64(top)/small)
					if took >= tells {
						steepest.take(task.name, slope)
					}
				}
			}
			if top == big {
				r := row{"10a", shape.Name, "steepest: " + steepest.task, counted(steepest.got), maxSlope, "of log to log"}
				if rows = append(rows, r); !r.red(byCaches) {
					linear[shape.Name] = r
				}
			}
		}
		for _, kind := range hostile.Zips() {
			if strings.Contains("zip: "+kind.Name, *hostileShapes) {
				data := kind.Make(middle)
				took, _ := cost(func(*customer) int { _, _ = metadata.ParseZip(data); return 0 }, nil, 2)
				slowest.take("ParseZip, zip: "+kind.Name, took.Seconds())
			}
		}
		return append(rows,
			row{"10b", "1 MB of the worst shape", slowest.task, counted(slowest.got), 1, "s"},
			row{"10c", "what comes out of 1 MB", largest.task, counted(largest.got), 32, "× what goes in"})
	})
}
