package faults

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// worker is a process of the drill, seen from outside.
type worker struct {
	s       *scene
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	gone    chan struct{}
	mu      sync.Mutex
}

// worker starts a process; it is killed at the end if it still runs.
func (s *scene) worker(change ...func(*script)) *worker {
	s.t.Helper()
	w, err := s.spawn(change...)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

func (s *scene) workers(n int, change ...func(*script)) []*worker {
	s.t.Helper()
	all := make([]*worker, n)
	for i := range all {
		all[i] = s.worker(change...)
	}
	return all
}

func (s *scene) spawn(change ...func(*script)) (*worker, error) {
	sc := script{Place: s.place, Addr: s.server.Addr(), CA: s.server.CA(), SealingKey: s.sealing.Key.Reveal(), Environment: environment,
		Timing: s.timing, Instance: s.org.InstanceURL(), Loud: testing.Verbose()}
	for _, f := range change {
		f(&sc)
	}
	text, err := json.Marshal(sc)
	if err != nil {
		return nil, err
	}
	line := append(slices.Clone(sc.Under), cmp.Or(sc.Program, os.Args[0]))
	w := &worker{s: s, command: exec.Command(line[0], line[1:]...), gone: make(chan struct{})}
	w.command.Env = append(os.Environ(), workerVariable+"="+string(text))
	if !sc.Quiet || sc.Loud {
		w.command.Stderr = os.Stderr
	}
	if w.in, err = w.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.out = bufio.NewReaderSize(out, 1<<20)
	if err := w.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_, _ = w.command.Process.Wait()
		close(w.gone)
	}()
	s.t.Cleanup(w.kill)
	_, err = w.read()
	return w, err
}

// do has the worker carry out an order. ok is false when the process has died.
func (w *worker) do(o order) (r reply, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.Within == 0 {
		o.Within = time.Minute
	}
	b, err := json.Marshal(o)
	if err != nil {
		return reply{}, false
	}
	if _, err := w.in.Write(append(b, '\n')); err != nil {
		return reply{}, false
	}
	r, err = w.read()
	return r, err == nil
}

func (w *worker) read() (reply, error) {
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return reply{}, err
	}
	var r reply
	return r, json.Unmarshal(line, &r)
}

func (w *worker) signal(sig syscall.Signal) { _ = w.command.Process.Signal(sig) }

// kill ends the process at once; it is safe to repeat.
func (w *worker) kill() {
	w.signal(syscall.SIGCONT)
	w.signal(syscall.SIGKILL)
	<-w.gone
	w.in.Close()
}

// everybody gives an order to all workers at once and adds up the replies.
func everybody(workers []*worker, o order) reply {
	sum := reply{Outcomes: map[string]int{}, Events: map[string]int{}}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, w := range workers {
		all.Go(func() {
			r, ok := w.do(o)
			mu.Lock()
			defer mu.Unlock()
			if !ok {
				sum.Outcomes["died"]++
			}
			for k, n := range r.Outcomes {
				sum.Outcomes[k] += n
			}
			for k, n := range r.Events {
				sum.Events[k] += n
			}
			sum.Worst, sum.P99, sum.Dials = max(sum.Worst, r.Worst), max(sum.P99, r.P99), max(sum.Dials, r.Dials)
			sum.Taken += r.Taken
			sum.Window = append(sum.Window, r.Window...)
			sum.Heap, sum.Resident = sum.Heap+r.Heap, sum.Resident+r.Resident
			if r.Err != "" {
				sum.Err = r.Err
			}
		})
	}
	all.Wait()
	return sum
}

// indices are the connections of the scene as orders name them.
func (s *scene) indices() []int {
	all := make([]int, len(s.conns))
	for i := range all {
		all[i] = i
	}
	return all
}

func tripped(list ...trip) func(*script) { return func(s *script) { s.Trips = list } }

func timed(change func(*oauthflow.Timing)) func(*script) {
	return func(s *script) { change(&s.Timing) }
}
