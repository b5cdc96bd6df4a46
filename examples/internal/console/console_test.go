package console_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/examples/internal/console"
)

func TestAnswersAreLinesWithoutSurroundingWhiteSpace(t *testing.T) {
	tests := []struct {
		name, typed, want string
		err               error
	}{
		{"a line", "yes\n", "yes", nil},
		{"a line of Windows", " yes \r\n", "yes", nil},
		{"an empty line", "\n", "", nil},
		{"the end right after the answer", "yes", "yes", nil},
		{"the end without an answer", "", "", console.ErrNoAnswer},
		{"a line without end", strings.Repeat("y", 17<<10), "", console.ErrTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var screen bytes.Buffer
			got, err := console.New(strings.NewReader(tt.typed), &screen).Ask(t.Context(), "Really? ")
			if got != tt.want || !errors.Is(err, tt.err) || screen.String() != "Really? " {
				t.Errorf("got %q, %v on %q, want %q, %v", got, err, screen.String(), tt.want, tt.err)
			}
		})
	}
}

func TestAnswersToSeveralQuestionsFollowOneAnother(t *testing.T) {
	c := console.New(strings.NewReader("one\ntwo\n"), io.Discard)
	secret, err := c.AskSecret(t.Context(), "First: ")
	if err != nil || secret.Reveal() != "one" {
		t.Errorf("got %q, %v, want one", secret.Reveal(), err)
	}
	if second, err := c.Ask(t.Context(), "Second: "); err != nil || second != "two" {
		t.Errorf("got %q, %v, want two", second, err)
	}
}

func TestAnInterruptEndsTheWait(t *testing.T) {
	in, keyboard := io.Pipe()
	defer keyboard.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if _, err := console.New(in, io.Discard).Ask(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
