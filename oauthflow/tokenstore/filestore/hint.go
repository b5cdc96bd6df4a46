package filestore

import (
	"encoding/binary"
	"time"
)

// The access time of a record's file is a hint of when the record is due, so that a List opens no file whose record is due
// later. Nothing depends on it: the hint holds digits by which any other access time is known, and the file is opened then. The
// modification time is left as it is, since backups go by that.
//
// An access time has nanoseconds and a due time microseconds, so that three digits are left for a check. It ends in 2038 in
// some file systems, so that a year stands for all due times from 2037 to the year 9999, in their order, rounded down.
const (
	hintDigits = 1000
	hintShift  = 13
)

// hintEnd is the first due time that is rounded, in microseconds since 1970.
var hintEnd = time.Date(2037, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// hintFor returns the access time of the file of a record, in nanoseconds since 1970.
func hintFor(k key, due int64) int64 {
	micro := due
	if due > hintEnd {
		micro = hintEnd + (due-hintEnd)>>hintShift
	}
	return micro*hintDigits + hintCheck(k, micro)
}

// earliest returns the time before which the record of a file is not due, in microseconds since 1970, by the access time in
// nanoseconds; false when that is no hint.
func earliest(k key, access int64) (due int64, ok bool) {
	micro := access / hintDigits
	if access < 0 || access%hintDigits != hintCheck(k, micro) {
		return 0, false
	}
	if micro > hintEnd {
		return hintEnd + (micro-hintEnd)<<hintShift, true
	}
	return micro, true
}

// hintCheck is never 0, as the digits are of a time that is told in microseconds.
func hintCheck(k key, micro int64) int64 {
	mixed := (binary.BigEndian.Uint64(k[:]) ^ uint64(micro)) * 0x9e3779b97f4a7c15
	return int64(1 + (mixed>>32)%(hintDigits-1))
}
