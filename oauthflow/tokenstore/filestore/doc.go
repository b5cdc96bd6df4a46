// Package filestore keeps the records of package oauthflow in a directory of a local disk, for any number of goroutines
// and processes of one machine at once. It needs no server and no other software:
//
//	store, err := filestore.Open(filestore.Config{Dir: "/var/lib/myservice/salesforce"})
//
// # What it promises
//
// A Save or Delete that returns nil survives kill -9 and power cuts, as far as the disk itself keeps what it has
// acknowledged. One that is cut short leaves the old record or the new one, never a mixture. Any error but a conflict
// leaves open which of the two; Load tells, and another Save makes it durable. A failed fsync is a failed Save and is
// never tried again on the same file.
//
// A record that was damaged, or whose file was exchanged with another's, is refused with an error wrapping
// [ErrDamaged], and in the second case also tokenstore.ErrForeignRecord; all others stay usable. A List yields the others first and that error last.
//
// # Errors
//
// Load, Save and Delete say which record, List and Open which file; errors.Is and errors.As tell the rest:
//
//	error                               when                                                      what to do
//	tokenstore.ErrNotFound              Load: there is no such record                             connect first
//	tokenstore.ErrConflict              Save, Delete: the record has another version              load it and decide again; a Manager does
//	ErrDamaged                          a record is not as it was written, or in another's place  remove the file that the text names, and connect that org again
//	ErrUnsafe                           a file or directory is open to others, or no plain one    chown and chmod it, or find out who made it
//	ErrFilesystem                       the directory is on a network or unknown file system      use a local disk, or package sqlstore
//	*FileError                          any of these three; Path is the file                      as for the error in it
//	errors.ErrUnsupported               Open: the system is neither Linux nor macOS               use package sqlstore
//	os.ErrClosed                        the store was closed                                      close it last
//	context.Canceled, DeadlineExceeded  the caller left; a change may have been made              Load tells
//	any other, such as ENOSPC           the disk failed; a change may have been made              look after the disk; Load tells
//
// # Files
//
// All files lie in the directory itself, with mode 0600 in a directory of mode 0700. NAME.rec is a record, where NAME is
// the SHA-256 of its id in hexadecimal digits, so that no id can name another place; it holds the id, version, due
// time and data with two checksums. The 256 files XX.lock, where XX are the first digits of such names, are locked
// with flock(2) around each Save and Delete, never longer than that takes; the system releases them when a process
// dies. XX.tmp is the next content of a record; when its writer was killed, the next Open or Save removes it.
//
// The access time of a record's file is a hint of when the record is due, so that a List opens no file of what is due later.
// Any other access time, as that of a file which an earlier version wrote or which was copied, is known to be none: then the file
// is opened, and the List notes the hint. The modification time is when the file was written.
//
// To look at a record or list, nothing is locked. What the directory holds at any instant is sound, so that it may be
// copied while it is in use; but see oauthflow about the danger of restoring an old copy.
//
// # What it refuses
//
// Files that are links, have several names, belong to somebody else or are open to the group or the world are not used
// (an error wrapping [ErrUnsafe]), nor are network and unknown file systems ([ErrFilesystem]), where locks and fsync
// may not do what they say. A tmpfs or the layer of a container is accepted: its records last as long as it does, and
// under refresh token rotation their loss is the loss of the connections. Use a volume.
//
// # Cost
//
// A Save or Delete waits for the disk twice. A Load reads one file. A List goes through the directory once, asks for the access
// time of every record's file, and reads the first 512 bytes of those that may be due, whatever prefix it is asked for; then it
// reads each record that it yields. It holds 40 bytes in memory for each of these. For 100,000 records in the page cache, that is
// about 0.2 s where none is due, and 1 s where all are. On macOS, and on file systems of [Config].Filesystems, it opens every file.
// Where that is too slow, use package sqlstore.
//
// # Systems
//
// Linux, where all this is tested, and macOS, for which it is only compiled. On other systems Open returns an error
// wrapping [errors.ErrUnsupported].
package filestore
