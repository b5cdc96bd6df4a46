package bench

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

var update = flag.Bool("update", false, "write the picture of the scale again")

// What is measured small is told for a fleet of this size.
const (
	million = 1_000_000
	hundred = 100
)

var (
	workday  = voyage{within: time.Hour, length: 27 * time.Hour, use: 30 * time.Minute, session: 2 * time.Hour}
	idleTime = voyage{within: 8 * time.Hour, length: 40 * 24 * time.Hour, session: 2 * time.Hour}
)

func (v voyage) of(connections, workers int) voyage {
	v.connections, v.workers = connections, workers
	return v
}

// sound fails the test unless nothing was lost, done twice or refused.
func (l logbook) sound(t *testing.T) {
	t.Helper()
	if l.twice+l.needless+l.idled+l.failed > 0 {
		t.Errorf("%d refresh tokens used twice, %d refreshes of living sessions, %d idle expiries, %d failed calls; want none",
			l.twice, l.needless, l.idled, l.failed)
	}
}

func TestWorkersRefreshEachSessionOnce(t *testing.T) {
	v := workday.of(30, 4)
	v.length = 9 * time.Hour
	l := v.sail(t)
	l.sound(t)
	n := 0
	for _, r := range l.refreshes {
		n += r
	}
	if n < 30*3 || n > 30*5 { // one when it is connected, in the first hour; then one each 2 h and at most an hour more
		t.Errorf("%d refreshes in 9 hours of 30 connections, want 3 to 5 of each", n)
	}
}

func TestAConnectionThatNobodyUsesOutlivesTheIdleLimit(t *testing.T) {
	v := idleTime.of(20, 2)
	v.length = 26 * 24 * time.Hour
	l := v.sail(t)
	l.sound(t)
	n := 0
	for _, r := range l.refreshes {
		n += r
	}
	if n != 2*20 {
		t.Errorf("%d refreshes of 20 connections in 26 days, want one of each when it is connected and one later", n)
	}
}

func TestTheScalePlotIsWellFormed(t *testing.T) {
	l := logbook{voyage: workday.of(1, 1), refreshes: []int{0, 1, 0}, hours: []operations{{loads: 3}, {saves: 1}}}
	d := xml.NewDecoder(strings.NewReader(scalePlot(l, l)))
	lines := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "path" {
			lines++
		}
	}
	if lines < 4 {
		t.Errorf("%d paths, want the lines of both panels", lines)
	}
}

func TestScale(t *testing.T) {
	quiet(t)
	memory := measureMemory(t, *connections)
	work := workday.of(1500, 10).sail(t)
	work.sound(t)
	idle := idleTime.of(10_000, 4).sail(t)
	idle.sound(t)
	judge(t, exactly, func(int) []row {
		return []row{
			{"S1", "fleet refreshed by keep-alive, busiest six hours", "", counted(idle.busiest()), 1, "% an hour"},
			{"S2", "refresh tokens used twice, needless refreshes, idle expiries", "",
				counted(float64(work.twice + work.needless + work.idled + idle.twice + idle.needless + idle.idled)), 0, ""},
		}
	})
	day, month := work.hourly(), idle.hourly()
	w := tabwriter.NewWriter(os.Stdout, 2, 8, 2, ' ', 0)
	line := func(what, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", what, fmt.Sprintf(format, args...)) }
	line("\n1,000,000 connections, 100 workers", "")
	line("memory of a connection in a worker, called / refreshed", "%.0f / %.0f B", memory.called, memory.refreshed)
	line("memory of a worker, all connections / a hundredth", "%.0f / %.1f MB", memory.refreshed*million/1e6, memory.refreshed*million/hundred/1e6)
	line("data in the store", "%.2f GB", float64(work.bytes)/float64(work.connections)*million/1e9)
	line("calls", "%.0f/s", million/work.use.Seconds())
	line("refreshes", "%.0f/s, %.0f an hour", day.refreshes*million/3600, day.refreshes*million)
	line("store loads", "%.0f/s", day.loads*million/3600)
	line("store saves", "%.0f/s, %.1f %% of them lost to another worker", day.saves*million/3600, 100*day.conflicts/day.saves)
	line("store lists", "%.1f/s", day.lists*hundred/3600)
	line("unused: refreshes", "%.2f/s in the busiest hours; %.1f loads, %.1f saves, %.1f listed records for each",
		idle.busiest()/100*million/3600, month.loads/month.refreshes, month.saves/month.refreshes, month.listed*float64(idle.workers)/month.refreshes)
	w.Flush()
	for _, r := range measureRates(t, backEnds(t)) {
		if r.err != nil {
			line(r.name, "not measured: %v", r.err)
			continue
		}
		full := 3600 / (day.loads/r.loads + day.saves/r.saves) // connections whose loads and saves take all its time
		line(r.name, "%.0f loads/s, %.0f saves/s, a list of %v; full at %.0f connections", r.loads, r.saves, r.list.Round(time.Microsecond), full)
	}
	w.Flush()
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", "docs", "pictures", "scale.svg"), []byte(scalePlot(work, idle)), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// scalePlot draws a day in which all connections are used, and forty days in which none is.
func scalePlot(work, idle logbook) string {
	hours, _ := work.settled()
	loads, saves := make([]float64, len(hours)), make([]float64, len(hours))
	for i, h := range hours {
		loads[i] = float64(h.loads) / float64(work.connections) * million / 3600
		saves[i] = float64(h.saves) / float64(work.connections) * million / 3600
	}
	_, refreshes := idle.settled()
	share := make([]float64, len(refreshes))
	for i, n := range refreshes {
		share[i] = 100 * float64(n) / float64(idle.connections)
	}
	return plot("What a million connections ask of a store, and when unused ones are refreshed",
		panel{
			title: "Used: 1,000,000 connections, each called every 30 minutes, sessions of 2 hours", unit: "store operations a second",
			most: 1200, everyHours: 4, mark: func(h int) string { return fmt.Sprintf("%d h", h) },
			lines: []plotLine{{"loads", loads}, {"saves", saves}},
		},
		panel{
			title: "Unused: all connected in one night, idle limit 30 days", unit: "% of the fleet refreshed, each hour",
			most: 2, limit: 1, limitText: "1 %", everyHours: 5 * 24, mark: func(h int) string { return fmt.Sprintf("day %d", h/24) },
			lines: []plotLine{{"keep-alive", share}},
		})
}
