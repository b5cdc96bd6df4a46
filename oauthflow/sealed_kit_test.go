package oauthflow_test

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
	"encoding/json"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// foreigner reads and writes records as another program would that has the key, by the layout that the format has: it stands
// for a version of the module that is not this one.
type foreigner struct {
	t       *testing.T
	id      string
	key     []byte
	wrapped []byte // an encrypted key that stands in the record, as in those of versions before v0.1.0; nil for none
}

// unlocked gives the world a sealing key that it has, too.
func (w *world) unlocked() foreigner {
	w.t.Helper()
	k := tokenstore.GenerateSealingKey("k1")
	keys, err := tokenstore.NewKeyring(k)
	if err != nil {
		w.t.Fatal(err)
	}
	w.keys = keys
	key, err := base64.StdEncoding.DecodeString(k.Key.Reveal())
	if err != nil {
		w.t.Fatal(err)
	}
	return foreigner{t: w.t, id: k.ID, key: key}
}

func (v foreigner) cipher(salt, associated []byte) cipher.AEAD {
	v.t.Helper()
	key, err := hkdf.Key(sha256.New, v.key, salt, string(associated), 32)
	if err != nil {
		v.t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		v.t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		v.t.Fatal(err)
	}
	return gcm
}

// head is format, the key's id, and the encrypted key.
func (v foreigner) head() []byte {
	head := append([]byte{1, byte(len(v.id))}, v.id...)
	return append(binary.BigEndian.AppendUint16(head, uint16(len(v.wrapped))), v.wrapped...)
}

func (v foreigner) associated(id string, version uint64) []byte {
	var b bytes.Buffer
	for _, part := range []string{"sfauth record", string(v.head()), "test", id} {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		b.WriteString(part)
	}
	return binary.BigEndian.AppendUint64(b.Bytes(), version)
}

// read returns the fields of a record.
func (v foreigner) read(r tokenstore.Record) map[string]any {
	v.t.Helper()
	head, associated := len(v.head()), v.associated(r.ID, r.Version)
	plain, err := v.cipher(r.Data[head:head+32], associated).Open(nil, make([]byte, 12), r.Data[head+32:], associated)
	if err != nil {
		v.t.Fatalf("%s: %v", r.ID, err)
	}
	var fields map[string]any
	if err := json.Unmarshal(plain, &fields); err != nil {
		v.t.Fatal(err)
	}
	return fields
}

// write saves the record with other fields, and returns it as it is then.
func (v foreigner) write(s tokenstore.Store, r tokenstore.Record, fields map[string]any) tokenstore.Record {
	v.t.Helper()
	plain, err := json.Marshal(fields)
	if err != nil {
		v.t.Fatal(err)
	}
	salt := make([]byte, 32)
	rand.Read(salt)
	associated := v.associated(r.ID, r.Version+1)
	r.Data = append(append(v.head(), salt...), v.cipher(salt, associated).Seal(nil, make([]byte, 12), plain, associated)...)
	if err := s.Save(context.Background(), r); err != nil {
		v.t.Fatal(err)
	}
	r.Version++
	return r
}

// change writes the record of an id with changed fields.
func (v foreigner) change(s tokenstore.Store, id string, change func(fields map[string]any)) tokenstore.Record {
	v.t.Helper()
	r, err := s.Load(context.Background(), id)
	if err != nil {
		v.t.Fatal(err)
	}
	fields := v.read(r)
	change(fields)
	return v.write(s, r, fields)
}
