package tokenstore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/fullcast/sfauth/internal/secret"
)

const (
	sealFormatZero   = 1 // the nonce is 0
	sealFormatRandom = 2 // the nonce is random and begins the ciphertext
	sealKeySize      = 32
	sealSalt         = 32
	sealNonce        = 12
)

// Sealer encrypts and decrypts the data of records, with AES-256-GCM. Each record has its own key, which HKDF-SHA256 derives from
// a random salt. So no key is used with the same nonce twice, for any number of records. The associated data binds the ciphertext
// to five values: format, environment, record id, record version and key id. A record does not open if it was moved to another
// id, rolled back under another version, or copied to another environment.
//
// Keyring must come from [NewKeyring]; nil panics. Environment may be any text; a Manager requires 1 to 64 printable ASCII
// characters. A Sealer does not change its fields, and it is safe for concurrent use.
//
// Layout: format (1 byte); length of the key id (1 byte); key id; 0 (2 bytes); salt (32 bytes); in format 2 a random nonce (12
// bytes); ciphertext with tag. In records of versions before v0.1.0 the 2 bytes may hold the length of an encrypted key that
// follows. Open refuses such a record.
//
// Open accepts both formats. Seal writes format 2 only where FIPS 140 is enforced (GODEBUG=fips140=only), because the FIPS module
// makes every nonce itself there. Everywhere else Seal writes format 1, which earlier versions can also open.
//
// Source: RFC 5869; NIST SP 800-38D §8.2, §8.3; FIPS 140-3 Implementation Guidance C.H.
type Sealer struct {
	Keyring     *Keyring
	Environment string
}

var (
	errNoKey   = errors.New("the Keyring holds no key; NewKeyring makes one")
	errFormat  = errors.New("it is damaged, or in a format that this version does not know")
	errForeign = fmt.Errorf("%w: it was sealed in another environment, under another id or version, or was changed", ErrForeignRecord)
	errWrapped = errors.New("it names an encrypted key that stands in the record, as versions before v0.1.0 wrote it, and no such key is used: " +
		"have such a version make a plain key its current one and run Manager.Reseal")
)

// Seal encrypts plain. The parameter id is the id of the record. The parameter version is the version after the Save, which is
// Record.Version+1. Seal does not check id and version. The result holds at most [MaxRecordData] bytes; if plain is too long for
// that, Seal returns an error without a type. The overhead in format 1 is 52 bytes and the length of the key id.
func (s Sealer) Seal(id string, version uint64, plain []byte) ([]byte, error) {
	if s.Keyring.IsZero() {
		return nil, errNoKey
	}
	name := s.Keyring.current
	format := byte(sealFormatZero)
	if fips140.Enforced() {
		format = sealFormatRandom
	}
	head := append([]byte{format, byte(len(name))}, name...)
	head = append(head, 0, 0)
	salt := make([]byte, sealSalt)
	rand.Read(salt)
	aad := s.associated(head, id, version)
	block, err := recordCipher(s.Keyring.opening[name], salt, aad)
	if err != nil {
		return nil, err
	}
	out := append(head, salt...)
	if format == sealFormatRandom {
		gcm, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		out = gcm.Seal(out, nil, plain, aad)
	} else {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		out = gcm.Seal(out, make([]byte, sealNonce), plain, aad)
	}
	if len(out) > MaxRecordData {
		return nil, fmt.Errorf("the record is larger than %d bytes", MaxRecordData)
	}
	return out, nil
}

// Open decrypts the data that Seal made for the same id, version and environment. If the key is known and the data do not open,
// the error wraps [ErrForeignRecord]. In three cases the error has no type: the data are too short or in an unknown format; the
// key is not in the Keyring; or a version before v0.1.0 wrote an encrypted key into the record.
func (s Sealer) Open(id string, version uint64, data []byte) ([]byte, error) {
	h, err := readHead(data)
	if err != nil {
		return nil, err
	}
	key, err := s.Keyring.opens(h.key)
	if err != nil {
		return nil, err
	}
	aad := s.associated(data[:h.length], id, version)
	block, err := recordCipher(key, data[h.length:h.length+sealSalt], aad)
	if err != nil {
		return nil, err
	}
	return openSealed(block, data[0], data[h.length+sealSalt:], aad)
}

// Works reports whether s can seal and open a test record with the given id. It calls no store and returns no error.
func (s Sealer) Works(id string) bool {
	probe := []byte("a probe of the sealing keys")
	sealed, err := s.Seal(id, 1, probe)
	if err != nil || bytes.Contains(sealed, probe) {
		return false
	}
	plain, err := s.Open(id, 1, sealed)
	return err == nil && bytes.Equal(plain, probe)
}

// openSealed decrypts what follows the salt. Where FIPS 140 is enforced, the module takes a nonce only from the ciphertext's
// beginning, so that of format 1 is put there.
func openSealed(block cipher.Block, format byte, sealed, aad []byte) ([]byte, error) {
	newGCM, nonce := cipher.NewGCMWithRandomNonce, []byte(nil)
	switch {
	case format == sealFormatZero && fips140.Enforced():
		sealed = append(make([]byte, sealNonce, sealNonce+len(sealed)), sealed...)
	case format == sealFormatZero:
		newGCM, nonce = cipher.NewGCM, make([]byte, sealNonce)
	}
	gcm, err := newGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, sealed, aad)
	if err != nil {
		return nil, errForeign
	}
	return plain, nil
}

// IsCurrent reports whether data name the key that seals now. It reads only the key id, which is not encrypted: only [Sealer.Open]
// proves that the key fits. For damaged data it returns false.
func (k *Keyring) IsCurrent(data []byte) bool {
	h, err := readHead(data)
	return err == nil && h.key == k.current
}

type sealHead struct {
	key    string // its id
	length int
}

func readHead(data []byte) (sealHead, error) {
	if len(data) < 2 || data[0] != sealFormatZero && data[0] != sealFormatRandom {
		return sealHead{}, errFormat
	}
	id := 2 + int(data[1])
	if len(data) < id+2 {
		return sealHead{}, errFormat
	}
	if binary.BigEndian.Uint16(data[id:]) != 0 {
		return sealHead{}, errWrapped
	}
	h := sealHead{string(data[2:id]), id + 2}
	if len(data) < h.length+sealSalt {
		return sealHead{}, errFormat
	}
	return h, nil
}

// associated returns the parts, each with its length in front, so that no two places share one.
func (s Sealer) associated(head []byte, id string, version uint64) []byte {
	var b bytes.Buffer
	for _, part := range [][]byte{[]byte("sfauth record"), head, []byte(s.Environment), []byte(id)} {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		b.Write(part)
	}
	b.Write(binary.BigEndian.AppendUint64(nil, version))
	return b.Bytes()
}

// recordCipher returns the block cipher under the key of one record.
func recordCipher(key secret.Secret, salt, info []byte) (cipher.Block, error) {
	k, err := hkdf.Key(sha256.New, []byte(key.Reveal()), salt, string(info), sealKeySize)
	if err != nil {
		return nil, err
	}
	return aes.NewCipher(k)
}
