package filestore

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// A record's file is
//
//	magic, version, due in microseconds since 1970, length of the data, length of the id, id, SHA-256 of the data,
//	SHA-256 of all of this header; then the data
//
// with numbers in big-endian order. A List reads the header only, and can trust it. The checksums find damage and
// mistakes; that nobody forges a record is the business of the code that seals the data.
const (
	magic      = "sfauth1\n"
	fixedSize  = len(magic) + 8 + 8 + 4 + 1
	maxID      = 255
	maxHeader  = fixedSize + maxID + 2*sha256.Size
	maxFile    = maxHeader + tokenstore.MaxRecordData
	headerRead = 512 // one read of a header; at least maxHeader
)

// A header is what a file says about its record.
type header struct {
	id      string
	version uint64
	due     time.Time
	size    int // of the data
	sum     [sha256.Size]byte
	length  int // of the header itself
}

func encode(r tokenstore.Record) []byte {
	sum := sha256.Sum256(r.Data)
	b := make([]byte, 0, maxHeader+len(r.Data))
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint64(b, r.Version)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Due.UnixMicro()))
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Data)))
	b = append(b, byte(len(r.ID)))
	b = append(b, r.ID...)
	b = append(b, sum[:]...)
	sum = sha256.Sum256(b)
	b = append(b, sum[:]...)
	return append(b, r.Data...)
}

// decodeHeader reads the header at the beginning of b, or says what is wrong with it.
func decodeHeader(b []byte) (h header, problem string) {
	if len(b) < fixedSize {
		return header{}, "is too short"
	}
	if string(b[:len(magic)]) != magic {
		return header{}, "does not begin like a record of this version"
	}
	n := b[len(magic):]
	h.version = binary.BigEndian.Uint64(n)
	h.due = time.UnixMicro(int64(binary.BigEndian.Uint64(n[8:]))).UTC()
	h.size = int(binary.BigEndian.Uint32(n[16:]))
	end := fixedSize + int(n[20])
	h.length = end + 2*sha256.Size
	if len(b) < h.length {
		return header{}, "is too short"
	}
	h.id = string(b[fixedSize:end])
	h.sum = [sha256.Size]byte(b[end:])
	if sha256.Sum256(b[:end+sha256.Size]) != [sha256.Size]byte(b[end+sha256.Size:]) {
		return header{}, "has a header that does not match its checksum"
	}
	return h, ""
}

// decode reads a whole file, or says what is wrong with it.
func decode(b []byte) (r tokenstore.Record, problem string) {
	h, problem := decodeHeader(b)
	if problem != "" {
		return tokenstore.Record{}, problem
	}
	data := b[h.length:]
	if len(data) != h.size || sha256.Sum256(data) != h.sum {
		return tokenstore.Record{}, "holds data that do not match their checksum"
	}
	return tokenstore.Record{ID: h.id, Version: h.version, Due: h.due, Data: data}, ""
}
