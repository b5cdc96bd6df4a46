package repeat

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
)

// Shown returns everything that can be seen of an error or of another value: what printers, encoders and loggers make of it,
// and of each error that it wraps.
func Shown(v any) string {
	var b bytes.Buffer
	for _, each := range chain(v) {
		fmt.Fprintf(&b, "%v\n%+v\n%#v\n%q\n%s\n", each, each, each, each, each)
		if text, err := json.Marshal(each); err == nil {
			b.Write(append(text, '\n'))
		}
		if text, err := xml.Marshal(each); err == nil {
			b.Write(append(text, '\n'))
		}
		if speaks, ok := each.(interface{ Sentence() string }); ok {
			b.WriteString(speaks.Sentence() + "\n")
		}
		log := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
		log.Debug("shown", "value", each)
		slog.New(slog.NewTextHandler(&b, nil)).Info("shown", "value", each)
	}
	return b.String()
}

// chain returns v and all errors that it wraps.
func chain(v any) []any {
	all := []any{v}
	switch e := v.(type) {
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			all = append(all, chain(cause)...)
		}
	case error:
		if cause := errors.Unwrap(e); cause != nil {
			all = append(all, chain(cause)...)
		}
	}
	return all
}
