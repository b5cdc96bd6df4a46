package policy_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/policy"
)

func TestATerminalGetsColourUnlessItIsUnwanted(t *testing.T) {
	tests := []struct {
		name, noColour, term string
		colour               bool
	}{
		{"a terminal", "", "xterm", true},
		{"NO_COLOR", "1", "xterm", false},
		{"a dumb terminal", "", "dumb", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("NO_COLOR", tt.noColour)
			t.Setenv("TERM", tt.term)
			screen, terminal := needs.Terminal(t)
			shown := make(chan string, 1)
			go func() {
				all, _ := io.ReadAll(screen) // it ends in an error once nobody writes any more
				shown <- string(all)
			}()
			if err := policy.Write(terminal, policy.Text, policy.Check(policy.Subject{}, wellMade())); err != nil {
				t.Fatal(err)
			}
			terminal.Close()
			select {
			case got := <-shown:
				if strings.Contains(got, "\x1b[1m") != tt.colour {
					t.Errorf("shown %q, want colour %v", got, tt.colour)
				}
			case <-time.After(time.Minute):
				t.Fatal("nothing was shown")
			}
		})
	}
}
