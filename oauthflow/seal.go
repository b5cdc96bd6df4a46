package oauthflow

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	sealFormat  = 1
	sealKeySize = 32
	sealSalt    = 32
)

// sealer encrypts record data with AES-256-GCM under a key made for that one record by HKDF-SHA256 from a random salt,
// so that no key meets a nonce twice however many records there are. The associated data binds what is sealed to its
// place: format, environment, record id, record version, key id. A record that is moved, rolled back under another
// version, or copied to another environment does not open.
//
// Layout: format (1 byte), key id (length in 1 byte, then text), wrapped key (length in 2 bytes, then bytes; empty for
// a plain key), salt (32 bytes), ciphertext with tag.
//
// Source: RFC 5869; NIST SP 800-38D §8.3.
type sealer struct {
	keys        *Keys
	environment string
}

var (
	errForeign = errors.New("it was sealed in another environment, under another id or version, or was changed")
	errFormat  = errors.New("it is damaged, or in a format that this version does not know")
)

// seal encrypts plain for the record id at the version that it will have once it is saved.
func (s sealer) seal(ctx context.Context, id string, version uint64, plain []byte) ([]byte, error) {
	key, wrapped, err := s.keys.byID[s.keys.current].sealing(ctx)
	if err != nil {
		return nil, err
	}
	head := append([]byte{sealFormat, byte(len(s.keys.current))}, s.keys.current...)
	head = binary.BigEndian.AppendUint16(head, uint16(len(wrapped)))
	head = append(head, wrapped...)
	salt := make([]byte, sealSalt)
	rand.Read(salt)
	aad := s.associated(head, id, version)
	gcm, err := recordCipher(key, salt, aad)
	if err != nil {
		return nil, err
	}
	out := gcm.Seal(append(head, salt...), make([]byte, gcm.NonceSize()), plain, aad)
	if len(out) > MaxRecordData {
		return nil, fmt.Errorf("the record is larger than %d bytes", MaxRecordData)
	}
	return out, nil
}

// open decrypts what seal made for the same place.
func (s sealer) open(ctx context.Context, id string, version uint64, data []byte) ([]byte, error) {
	h, err := readHead(data)
	if err != nil {
		return nil, err
	}
	ring, ok := s.keys.byID[h.keyID]
	if !ok {
		return nil, fmt.Errorf("it is sealed with the key %q, which is not among the keys", scrub(h.keyID))
	}
	key, err := ring.opening(ctx, h.wrapped)
	if err != nil {
		return nil, err
	}
	aad := s.associated(data[:h.length], id, version)
	gcm, err := recordCipher(key, data[h.length:h.length+sealSalt], aad)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, make([]byte, gcm.NonceSize()), data[h.length+sealSalt:], aad)
	if err != nil {
		return nil, errForeign
	}
	return plain, nil
}

type sealHead struct {
	keyID   string
	wrapped []byte
	length  int
}

func readHead(data []byte) (sealHead, error) {
	if len(data) < 2 || data[0] != sealFormat {
		return sealHead{}, errFormat
	}
	id := 2 + int(data[1])
	if len(data) < id+2 {
		return sealHead{}, errFormat
	}
	h := sealHead{keyID: string(data[2:id]), length: id + 2 + int(binary.BigEndian.Uint16(data[id:]))}
	if len(data) < h.length+sealSalt {
		return sealHead{}, errFormat
	}
	h.wrapped = data[id+2 : h.length]
	return h, nil
}

// associated returns the parts, each with its length in front, so that no two places share one.
func (s sealer) associated(head []byte, id string, version uint64) []byte {
	var b bytes.Buffer
	for _, part := range [][]byte{[]byte("sfauth record"), head, []byte(s.environment), []byte(id)} {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		b.Write(part)
	}
	b.Write(binary.BigEndian.AppendUint64(nil, version))
	return b.Bytes()
}

func recordCipher(key Secret, salt, info []byte) (cipher.AEAD, error) {
	k, err := hkdf.Key(sha256.New, []byte(key.Reveal()), salt, string(info), sealKeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
