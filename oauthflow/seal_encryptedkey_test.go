package oauthflow_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

// Versions before v0.1.0 stored a key beside what it sealed, encrypted by a KMS. Somebody who may write to the store and encrypt
// with the KMS could make such a record of any tenant, so that none opens.
func TestARecordThatNamesAnEncryptedKeyDoesNotOpen(t *testing.T) {
	for name, id := range map[string]string{"of another id": "kms", "of the sealing key's id": "k1"} {
		t.Run(name, func(t *testing.T) {
			w := rotating(t)
			by := w.unlocked() // even with the sealing key itself
			w.connect(w.manager(), mainKey)
			r := w.record(mainKey)
			fields := by.read(r)
			by.id, by.wrapped = id, bytes.Repeat([]byte{7}, 32)
			written := by.write(w.store, r, fields)

			m := w.manager()
			_, err := m.Load(t.Context(), mainKey)
			wantKind(t, err, oauthflow.KindForeign)
			_, err = m.Source(mainKey).TokenContext(t.Context())
			if wantKind(t, err, oauthflow.KindForeign); !strings.Contains(err.Error(), "make a plain key its current one") {
				t.Errorf("the operator is not told what to do: %v", err)
			}
			wantKind(t, m.Reseal(t.Context(), nil), oauthflow.KindForeign)
			if now := w.record(mainKey); now.Version != written.Version || !bytes.Equal(now.Data, written.Data) {
				t.Error("the record was changed")
			}
			if n := w.wire.refreshes(); n != 0 {
				t.Errorf("%d refreshes were sent, want none", n)
			}
		})
	}
}
