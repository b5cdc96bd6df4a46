package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// process is one worker as its parent sees it.
type process struct {
	command *exec.Cmd
	in      io.Closer
	gone    chan struct{}
	err     error // how it ended; to be read when gone is closed
}

// start starts this program again as a worker. Heard is told each line that it reports.
func start(a assignment, heard func(line string)) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(self), gone: make(chan struct{})}
	p.command.Env = append(os.Environ(), workerVariable+"=1")
	var said bytes.Buffer
	p.command.Stderr = &said
	in, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.in = in
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			heard(lines.Text())
		}
		if err := p.command.Wait(); err != nil {
			p.err = fmt.Errorf("process %d ended: %w: %s", p.pid(), err, strings.TrimSpace(said.String()))
		}
		close(p.gone)
	}()
	if err := json.NewEncoder(in).Encode(a); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, nil
}

// stopWait is more than an orderly stop takes: the wait for an answer, and its save.
const stopWait = 30 * time.Second

// stop ends the process in good order.
func (p *process) stop() error {
	_ = p.in.Close() // it may be gone, then Wait has the reason
	select {
	case <-p.gone:
		return p.err
	case <-time.After(stopWait):
		return errors.Join(fmt.Errorf("process %d did not stop within %v", p.pid(), stopWait), p.kill())
	}
}

// kill ends the process at once, as a crash does.
func (p *process) kill() error {
	if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.gone
	return nil
}

func (p *process) pid() int { return p.command.Process.Pid }
