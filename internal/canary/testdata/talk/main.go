// Command talk makes a secret and prints all it can of it, at debug level, to its last word. With an argument it also prints
// what nobody may see.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/fullcast/sfauth/internal/secret"
)

type holder struct {
	Public  secret.Secret
	private secret.Secret
	pointer *secret.Secret
}

func main() {
	s := secret.New(fmt.Sprintf("talk-%x-of-this-process", time.Now().UnixNano()))
	h := holder{s, s, &s}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	log.Debug("made", "secret", s, "holder", h, "pointer", &h)
	for _, v := range []any{s, &s, h, &h, []holder{h}, map[string]holder{"h": h}} {
		fmt.Printf("%v %+v %#v %s %q %x %d\n", v, v, v, v, v, v, v)
		_ = json.NewEncoder(os.Stdout).Encode(v)
	}
	if len(os.Args) > 1 {
		panic(errors.New("refused: " + s.Reveal()))
	}
	panic(h)
}
