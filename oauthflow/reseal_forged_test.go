package oauthflow_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// What stands before the salt of a record is readable, and writable, without a key. Each row is what somebody who can write the
// store, and has no key, makes of a good record that is sealed with the former key "old"; "new" is the current one.
func TestResealTrustsNothingOfARecordThatItHasNotOpened(t *testing.T) {
	named := func(id string) func([]byte) []byte {
		return func(data []byte) []byte {
			return append(append([]byte{data[0], byte(len(id))}, id...), data[2+int(data[1]):]...)
		}
	}
	for name, change := range map[string]func([]byte) []byte{
		"that names the current key": named("new"),
		"that names an unknown key":  named("else"),
		"that names no key":          named(""),
		"in the other format":        func(data []byte) []byte { data[0] = 3 - data[0]; return data },
		"in a later format":          func(data []byte) []byte { data[0] = 9; return data },
		"in format 0":                func(data []byte) []byte { data[0] = 0; return data },
		"that names the current key, in a later format": func(data []byte) []byte {
			data = named("new")(data)
			data[0] = 9
			return data
		},
		"that names an encrypted key": func(data []byte) []byte {
			at := 2 + int(data[1])
			return append(append(bytes.Clone(data[:at]), 0, 32), append(make([]byte, 32), data[at+2:]...)...)
		},
		"that names an encrypted key longer than the record": func(data []byte) []byte {
			binary.BigEndian.PutUint16(data[2+int(data[1]):], 65535)
			return data
		},
		"that names the current key and was cut after its salt": func(data []byte) []byte { return named("new")(data)[:5+2+32] },
		"that is empty":    func([]byte) []byte { return nil },
		"of another place": func(data []byte) []byte { data[len(data)-1] ^= 1; return data },
	} {
		t.Run("a record "+name, func(t *testing.T) {
			w := rotating(t)
			old, current := tokenstore.GenerateSealingKey("old"), tokenstore.GenerateSealingKey("new")
			w.connect(w.process(old), mainKey)
			w.connect(w.process(old), personsKey(1))
			good := w.record(mainKey)
			forged := change(bytes.Clone(good.Data))
			if err := w.store.Save(t.Context(), tokenstore.Record{ID: good.ID, Version: good.Version, Due: good.Due, Data: forged}); err != nil {
				t.Fatal(err)
			}
			sent := w.wire.refreshes()

			m := w.process(current, old)
			err := m.Reseal(t.Context(), nil)
			if kindOf(err) != oauthflow.KindForeign || errors.Is(err, oauthflow.ErrNewerFormat) {
				t.Errorf("Reseal says %v, want that the record does not open: the operator would remove the former key", err)
			}
			if now := w.record(mainKey); !bytes.Equal(now.Data, forged) || now.Version != good.Version+1 {
				t.Error("Reseal changed a record that it could not open")
			}
			_, err = m.Source(mainKey).TokenContext(t.Context())
			if kindOf(err) != oauthflow.KindForeign || errors.Is(err, oauthflow.ErrNewerFormat) {
				t.Errorf("its use says %v, want a record that does not open: an update of this process would not help", err)
			}
			if !w.alive(w.token(w.process(current).Source(personsKey(1)))) {
				t.Error("the good record beside it still needs the former key")
			}
			if got := w.wire.refreshes(); got != sent {
				t.Errorf("%d refreshes were sent, want none", got-sent)
			}
		})
	}
}
