package oauthflow

import (
	"context"
	"log/slog"
	"sync"
)

// lineRoom is how many lines of the log wait, routine ones and alerts (warnings and errors) each.
const lineRoom = 256

type line struct {
	level slog.Level
	msg   string
	args  []any
}

func (l line) routine() bool { return l.level < slog.LevelWarn }

// of returns whose line it is, as far as it says so: the tenant of its connection or record; else its host.
func (l line) of() string {
	host := ""
	for i := 0; i+1 < len(l.args); i += 2 {
		switch v := l.args[i+1].(type) {
		case Key:
			return escape(v.Tenant)
		case string:
			switch l.args[i] {
			case "record":
				return tenantOf(v)
			case "host":
				host = v
			}
		}
	}
	return host
}

// lines holds the lines that wait for the logger, in the order in which they were written. As with events, routine lines and
// alerts have room apart, and no tenant takes all of a room. What finds no room is dropped.
type lines struct {
	wake chan struct{} // has something when lines wait

	mu      sync.Mutex
	waiting []line
	routine room
	alerts  room
}

func newLines() lines {
	return lines{wake: make(chan struct{}, 1), routine: newRoom(lineRoom), alerts: newRoom(lineRoom)}
}

func (q *lines) roomOf(l line) *room {
	if l.routine() {
		return &q.routine
	}
	return &q.alerts
}

func (q *lines) put(l line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r, of := q.roomOf(l), l.of()
	if !r.admits(of) {
		return
	}
	r.enter(of)
	q.waiting = append(q.waiting, l)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns the line that has waited longest.
func (q *lines) take() (line, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.waiting = nil
		return line{}, false
	}
	l := q.waiting[0]
	q.waiting[0] = line{}
	q.waiting = q.waiting[1:]
	q.roomOf(l).leave(l.of())
	return l, true
}

func (q *lines) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) == 0
}

// logf hands a line to the goroutine that delivers events: a logger is somebody else's code, which may be slow or panic. The
// field connection is a [Key].
func (m *Manager) logf(level slog.Level, msg string, args ...any) {
	m.lines.put(line{level, msg, args})
}

func (m *Manager) logOne(l line) {
	defer m.handed.Add(1)
	defer func() { _ = recover() }()
	args := make([]any, len(l.args))
	for i, a := range l.args {
		if k, is := a.(Key); is {
			a = k.String()
		}
		args[i] = a
	}
	m.log.Log(context.Background(), l.level, l.msg, args...)
}
