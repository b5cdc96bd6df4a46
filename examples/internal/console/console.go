// Package console asks the person at the terminal, or the script that stands in for one.
package console

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/fullcast/sfauth/oauthflow"
)

// maxLine is more than any URL that a browser keeps.
const maxLine = 16 << 10

var (
	// ErrNoAnswer means that the input ended before there was an answer.
	ErrNoAnswer = errors.New("the input ended without an answer")
	// ErrTooLong means that an answer exceeds 16 KiB.
	ErrTooLong = errors.New("the answer is longer than 16 KiB")
)

// Console asks on one writer and reads answers, a line each, from one reader. It is for one goroutine.
type Console struct {
	in    io.Reader
	lines *bufio.Reader
	out   io.Writer
}

// New returns a Console. What it has read ahead from in is lost to others.
func New(in io.Reader, out io.Writer) *Console {
	return &Console{in, bufio.NewReaderSize(in, maxLine), out}
}

// Ask prints the question and returns the answer without surrounding white space. It returns ctx's error as soon as ctx
// ends; the reading goroutine then stays behind with the input, since nothing can end a read from a terminal.
func (c *Console) Ask(ctx context.Context, question string) (string, error) {
	_, _ = io.WriteString(c.out, question)
	return await(ctx, c.line)
}

// AskSecret is Ask without echo where the input is a terminal.
func (c *Console) AskSecret(ctx context.Context, question string) (oauthflow.Secret, error) {
	_, _ = io.WriteString(c.out, question)
	f, ok := c.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		answer, err := await(ctx, c.line)
		return oauthflow.NewSecret(answer), err
	}
	fd := int(f.Fd())
	echoing, err := term.GetState(fd)
	if err != nil {
		return oauthflow.Secret{}, err
	}
	answer, err := await(ctx, func() (string, error) {
		b, err := term.ReadPassword(fd)
		return strings.TrimSpace(string(b)), err
	})
	_ = term.Restore(fd, echoing) // when ctx ended, the read has left the echo off
	_, _ = io.WriteString(c.out, "\n")
	return oauthflow.NewSecret(answer), err
}

func (c *Console) line() (string, error) {
	b, err := c.lines.ReadSlice('\n')
	switch line := strings.TrimSpace(string(b)); {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", ErrTooLong
	case errors.Is(err, io.EOF) && line == "":
		return "", ErrNoAnswer
	case err != nil && !errors.Is(err, io.EOF):
		return "", err
	default:
		return line, nil
	}
}

func await(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		line string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := read()
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		return r.line, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
