package filestore

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

const recordSuffix = ".rec"

// A key is where a record lies: the hash of its id.
type key [sha256.Size]byte

func keyOf(id string) key { return sha256.Sum256([]byte(id)) }

// keyOfName is the inverse of file; ok is false for names of other files.
func keyOfName(name string) (k key, ok bool) {
	digits, found := strings.CutSuffix(name, recordSuffix)
	if !found || len(digits) != hex.EncodedLen(len(k)) {
		return key{}, false
	}
	_, err := hex.Decode(k[:], []byte(digits))
	return k, err == nil && k.file() == name
}

func (k key) file() string { return hex.EncodeToString(k[:]) + recordSuffix }

func (k key) shard() shard { return shard(k[0]) }

// A shard is the records whose keys begin with one byte. They share a lock and a temporary file.
type shard byte

func (s shard) lock() string { return fmt.Sprintf("%02x.lock", byte(s)) }
func (s shard) temp() string { return fmt.Sprintf("%02x.tmp", byte(s)) }

// A spot is the place of a record in a list: by due time, in microseconds since 1970, and then by key.
type spot struct {
	due int64
	key key
}

func (s spot) compare(other spot) int {
	if c := cmp.Compare(s.due, other.due); c != 0 {
		return c
	}
	return strings.Compare(string(s.key[:]), string(other.key[:]))
}
