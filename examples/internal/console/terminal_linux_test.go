package console_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fullcast/sfauth/examples/internal/console"
	"github.com/fullcast/sfauth/internal/needs"
)

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// silent waits until the terminal has stopped echoing.
func silent(t *testing.T, f *os.File) {
	t.Helper()
	for end := time.Now().Add(time.Minute); echoes(t, f); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the terminal goes on echoing")
		}
	}
}

func TestASecretIsNotShownOnATerminal(t *testing.T) {
	person, program := needs.Terminal(t)
	done := make(chan string)
	go func() {
		secret, err := console.New(program, program).AskSecret(context.Background(), "Secret: ")
		done <- fmt.Sprint(secret.Reveal(), err)
	}()
	silent(t, program)
	if _, err := person.WriteString("hunter2\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got != "hunter2<nil>" {
		t.Errorf("got %s, want hunter2", got)
	}
	screen := make([]byte, 256)
	n, err := person.Read(screen)
	if err != nil || bytes.Contains(screen[:n], []byte("hunter2")) || !echoes(t, program) {
		t.Errorf("the screen shows %q, %v; want the question alone, and echo again", screen[:n], err)
	}
}

func TestAnInterruptAtTheSecretBringsTheEchoBack(t *testing.T) {
	person, program := needs.Terminal(t)
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := console.New(program, program).AskSecret(ctx, "Secret: ")
		done <- err
	}()
	silent(t, program)
	interrupt()
	if err := <-done; !errors.Is(err, context.Canceled) || !echoes(t, program) {
		t.Errorf("got %v, echo %t, want context.Canceled and echo", err, echoes(t, program))
	}
	if _, err := person.WriteString("\n"); err != nil { // lets the read that stayed behind end
		t.Error(err)
	}
}
