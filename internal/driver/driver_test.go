package driver

import (
	"cmp"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// One processor, so that goroutines of a trial meet in the same order when it is replayed.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	os.Exit(m.Run())
}

func number(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	must(t, err)
	return n
}

// TestWhateverIsDoneAndGoesWrongAtOnceCostsOnlyWhatItMust tries some trials of each mixture, SFAUTH_DRIVER_TRIALS where that
// is set, or replays the one of SFAUTH_DRIVER_SEED. Their seeds are 1, 2, 3 and so on, so that the gate tries the same each time;
// with SFAUTH_DRIVER_RANDOM they are random.
func TestWhateverIsDoneAndGoesWrongAtOnceCostsOnlyWhatItMust(t *testing.T) {
	trials := int(number(t, "SFAUTH_DRIVER_TRIALS", 4))
	for _, mix := range mixtures {
		if only := os.Getenv("SFAUTH_DRIVER_MIXTURE"); only != "" && only != mix.name {
			continue
		}
		t.Run(mix.name, func(t *testing.T) {
			trials := trials
			if mix.on == files || mix.on == sqlite { // which are slow
				trials = (trials + 1) / 2
			}
			seen := map[string]int{}
			first := number(t, "SFAUTH_DRIVER_SEED", 0)
			for n := range trials {
				seed := cmp.Or(first, next(n))
				acts := kept(slices.DeleteFunc(plan(mix, seed), func(a act) bool { return slices.Contains(mix.untried, a.deed) }))
				out := try(t, mix, seed, acts)
				for _, w := range kinds(out.wrong) {
					if isKnown(w) {
						seen[w]++
						continue
					}
					if seen[w]++; seen[w] > 1 {
						t.Errorf("again %q: SFAUTH_DRIVER_SEED=%d", w, seed)
						continue
					}
					small := shrunk(t, mix, seed, acts, w)
					t.Errorf("%s\nSFAUTH_DRIVER_MIXTURE=%q SFAUTH_DRIVER_SEED=%d SFAUTH_DRIVER_ACTS=%s (trial %d)\n%s", w, mix.name, seed, small.acts, n, small.report)
				}
				if first != 0 {
					break
				}
			}
			for _, w := range slices.Sorted(keysOf(seen)) {
				t.Logf("%4d of %d trials: %s", seen[w], trials, w)
			}
		})
	}
}

// next is the seed of a trial.
func next(trial int) uint64 {
	if os.Getenv("SFAUTH_DRIVER_RANDOM") != "" {
		return rand.Uint64()
	}
	return uint64(trial) + 1
}

// kept is the part of a plan that SFAUTH_DRIVER_ACTS names.
func kept(acts []act) []act {
	only := os.Getenv("SFAUTH_DRIVER_ACTS")
	if only == "" {
		return acts
	}
	return slices.DeleteFunc(acts, func(a act) bool { return !slices.Contains(strings.Split(only, ","), strconv.Itoa(a.number)) })
}

// found is what came of a trial.
type found struct {
	wrong  []string
	report string
	acts   string
}

// try runs a trial in a bubble of its own.
func try(t *testing.T, mix mixture, seed uint64, acts []act) found {
	var out found
	synctest.Test(t, func(t *testing.T) {
		store, closes := mix.on.open(t)
		defer closes()
		tr := newTrial(t, mix, seed, store)
		tr.run(acts)
		tr.judge()
		out.wrong = tr.wrong
		if len(out.wrong) > 0 {
			out.report = strings.Join(tr.wrong, "\n") + "\n" + tr.report()
		}
	})
	var numbers []string
	for _, a := range acts {
		numbers = append(numbers, strconv.Itoa(a.number))
	}
	out.acts = strings.Join(numbers, ",")
	return out
}

// shrunk leaves out of a plan what a violation does not need.
func shrunk(t *testing.T, mix mixture, seed uint64, acts []act, wrong string) found {
	best := found{}
	again := func(acts []act) bool {
		out := try(t, mix, seed, acts)
		if !slices.Contains(kinds(out.wrong), wrong) {
			return false
		}
		best = out
		return true
	}
	if !again(acts) {
		return found{report: "it did not happen again with the same seed", acts: "all"}
	}
	for size := max(1, len(acts)/2); size > 0; size /= 2 {
		for i := 0; i < len(acts); {
			less := slices.Delete(slices.Clone(acts), i, min(i+size, len(acts)))
			if again(less) {
				acts = less
			} else {
				i += size
			}
		}
	}
	return best
}

var (
	approvals = regexp.MustCompile(`approval \d+`)
	names     = regexp.MustCompile(`\bc\d\b`)
	counts    = regexp.MustCompile(`\d+ (times|false)`)
	where     = regexp.MustCompile(`(?s)goroutines are left after Close: .*`)
)

// kinds are violations without what differs from one trial to the next.
func kinds(wrong []string) []string {
	var all []string
	for _, w := range wrong {
		w = approvals.ReplaceAllString(w, "an approval")
		w = names.ReplaceAllString(w, "a connection")
		w = counts.ReplaceAllString(w, "n $1")
		w = where.ReplaceAllString(w, "goroutines are left after Close")
		all = append(all, w)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func keysOf(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
