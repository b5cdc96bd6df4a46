//go:build linux || darwin

package filestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

func TestEveryFlippedBitIsFoundAndConcernsItsRecordOnly(t *testing.T) {
	sc := newScene(t)
	good, err := os.ReadFile(sc.record)
	must(t, err)
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			must(t, os.WriteFile(sc.record, bad, 0o600))
			if r, err := sc.store.Load(t.Context(), victim); !errors.Is(err, filestore.ErrDamaged) {
				t.Fatalf("bit %d of byte %d: got %v and %v, want an error wrapping ErrDamaged", bit, i, r, err)
			}
		}
		if err := onlyBystander(t, sc.store); !errors.Is(err, filestore.ErrDamaged) {
			t.Fatalf("byte %d: List ended with %v, want an error wrapping ErrDamaged", i, err)
		}
	}
	must(t, os.WriteFile(sc.record, good, 0o600))
	if r, err := sc.store.Load(t.Context(), victim); err != nil || !isWhole(r) {
		t.Errorf("restored: got %v and %v", r, err)
	}
}

func TestAFileThatIsNotAsWrittenIsRefused(t *testing.T) {
	good := func(sc scene) []byte {
		b, err := os.ReadFile(sc.record)
		must(t, err)
		return b
	}
	type change struct {
		name    string
		content func(sc scene) []byte
	}
	tests := []change{
		{"10 MiB long", func(sc scene) []byte { return append(good(sc), make([]byte, 10<<20)...) }},
		{"one byte longer", func(sc scene) []byte { return append(good(sc), 0) }},
		{"of a later version", func(sc scene) []byte { return bytes.Replace(good(sc), []byte("sfauth1"), []byte("sfauth2"), 1) }},
		{"text", func(sc scene) []byte { return []byte("{\"refresh_token\":\"none\"}") }},
	}
	for n := range good(newScene(t)) {
		tests = append(tests, change{fmt.Sprintf("cut after %d bytes", n), func(sc scene) []byte { return good(sc)[:n] }})
	}
	sc := newScene(t)
	whole := good(sc)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			must(t, os.WriteFile(sc.record, tt.content(sc), 0o600))
			defer func() { must(t, os.WriteFile(sc.record, whole, 0o600)) }()
			_, err := sc.store.Load(t.Context(), victim)
			var e *filestore.FileError
			if !errors.Is(err, filestore.ErrDamaged) || !errors.As(err, &e) || e.Path != sc.record {
				t.Errorf("got %v, want an error wrapping ErrDamaged about the file", err)
			}
		})
	}
}

func TestRecordsWhoseFilesWereExchangedAreRefused(t *testing.T) {
	sc := newScene(t)
	other := recordAt("connection/other/main", 0)
	must(t, os.Rename(sc.record, sc.record+".aside"))
	must(t, sc.store.Delete(t.Context(), "bystander", 1))
	must(t, sc.store.Save(t.Context(), other))
	otherFile := only(t, sc.dir, ".rec")
	must(t, errors.Join(os.Rename(otherFile, sc.record), os.Rename(sc.record+".aside", otherFile)))
	for _, id := range []string{victim, other.ID} {
		if r, err := sc.store.Load(t.Context(), id); !errors.Is(err, filestore.ErrDamaged) || !errors.Is(err, tokenstore.ErrForeignRecord) {
			t.Errorf("Load of %s: got %v and %v, want an error wrapping ErrDamaged and ErrForeignRecord", id, r, err)
		}
		if err := sc.store.Save(t.Context(), recordAt(id, 1)); !errors.Is(err, filestore.ErrDamaged) || !errors.Is(err, tokenstore.ErrForeignRecord) {
			t.Errorf("Save of %s: got %v, want an error wrapping ErrDamaged and ErrForeignRecord", id, err)
		}
	}
}

func TestDamagedDataAreReplacedByAProcessThatStillHasTheRecord(t *testing.T) {
	sc := newScene(t)
	b, err := os.ReadFile(sc.record)
	must(t, err)
	b[len(b)-1] ^= 1
	must(t, os.WriteFile(sc.record, b, 0o600))
	if err := sc.store.Save(t.Context(), recordAt(victim, 7)); !errors.Is(err, tokenstore.ErrConflict) {
		t.Errorf("Save of another version: got %v, want an error wrapping ErrConflict", err)
	}
	must(t, sc.store.Save(t.Context(), recordAt(victim, 1)))
	if r, err := sc.store.Load(t.Context(), victim); err != nil || !isWhole(r) {
		t.Errorf("got %v and %v, want the record of the Save", r, err)
	}
}
