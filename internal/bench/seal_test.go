package bench

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const environment = "bench"

// bareSeal is the construction of a sealed record from the standard library alone: a key for each record by HKDF-SHA256 from
// a random salt, AES-256-GCM, the record's place as associated data.
type bareSeal struct {
	id  string
	key []byte
}

func (b bareSeal) head() []byte { return append(append([]byte{1, byte(len(b.id))}, b.id...), 0, 0) }

func (b bareSeal) associated(id string, version uint64) []byte {
	var w bytes.Buffer
	for _, part := range [][]byte{[]byte("sfauth record"), b.head(), []byte(environment), []byte(id)} {
		w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		w.Write(part)
	}
	return binary.BigEndian.AppendUint64(w.Bytes(), version)
}

func (b bareSeal) cipher(salt, associated []byte) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, b.key, salt, string(associated), 32)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

func (b bareSeal) open(r tokenstore.Record) []byte {
	head, associated := len(b.head()), b.associated(r.ID, r.Version)
	plain, err := b.cipher(r.Data[head:head+32], associated).Open(nil, make([]byte, 12), r.Data[head+32:], associated)
	if err != nil {
		panic(err)
	}
	return plain
}

func (b bareSeal) seal(id string, version uint64, plain []byte) []byte {
	salt := make([]byte, 32)
	rand.Read(salt)
	associated := b.associated(id, version)
	return b.cipher(salt, associated).Seal(append(b.head(), salt...), make([]byte, 12), plain, associated)
}

// reseal does to a store what Manager.Reseal does.
func (b bareSeal) reseal(s tokenstore.Store, from bareSeal) {
	ctx := context.Background()
	var ids []string
	for r, err := range s.List(ctx, "", time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)) {
		if err != nil {
			panic(err)
		}
		ids = append(ids, r.ID)
	}
	for _, id := range ids {
		r, err := s.Load(ctx, id)
		if err != nil {
			panic(err)
		}
		r.Data = b.seal(id, r.Version+1, from.open(r))
		if err := s.Save(ctx, r); err != nil {
			panic(err)
		}
	}
}

// Reseal opens and seals every record of a store, here in memory, and does nothing else.
func TestRow6aSealingBesideTheSameConstruction(t *testing.T) {
	quiet(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // an idle processor's search for work counts as CPU time
	const n = 64
	keys := [2]tokenstore.SealingKey{tokenstore.GenerateSealingKey("one"), tokenstore.GenerateSealingKey("two")}
	var bare [2]bareSeal
	for i, k := range keys {
		plain, err := base64.StdEncoding.DecodeString(k.Key.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		bare[i] = bareSeal{k.ID, plain}
	}
	filled := func() (tokenstore.Store, [2]*oauthflow.Manager) {
		s := tokenstore.NewMemory()
		var m [2]*oauthflow.Manager
		for i := range m {
			m[i] = managerWith(t, &transport{}, s, keys[i], keys[1-i])
		}
		for i := range n {
			adopt(t, m[0], oauthflow.Key{Tenant: fmt.Sprintf("t%07d", i), Name: "main"})
		}
		for _, m := range m { // so that all records, of whatever kind, are sealed with the second key
			if err := m.Reseal(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		return s, m
	}
	_, ours := filled()
	theirs, _ := filled()
	size := 0
	for r, err := range theirs.List(t.Context(), "connection/", time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)) {
		if err != nil {
			t.Fatal(err)
		}
		size = len(r.Data)
	}
	turnOurs, turnBare := 0, 0
	judge(t, byCPU, func(longer int) []row {
		got := paired(1, 50*longer, 20*time.Millisecond,
			alternative{"HKDF and GCM", func() {
				bare[turnBare%2].reseal(theirs, bare[1-turnBare%2])
				turnBare++
			}},
			alternative{"ours", func() {
				if err := ours[turnOurs%2].Reseal(context.Background(), nil); err != nil {
					panic(err)
				}
				turnOurs++
			}})
		return []row{{"6a", fmt.Sprintf("open and seal records of %d B", size), fmt.Sprintf("the same HKDF and GCM, %.0f ns each", got[0].ns/n), got[1].ratio.limited(1), 1.3, "× the standard library"}}
	})
}
