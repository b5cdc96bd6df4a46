// Package filestore keeps the records of package oauthflow in a directory of a local disk. Many goroutines and processes of one
// machine may use it at the same time. It needs no server and no other software:
//
//	store, err := filestore.Open(filestore.Config{Dir: "/var/lib/myservice/salesforce"})
//
// # What it promises
//
// When a Save or Delete returns nil, the change survives kill -9 and power cuts, as far as the disk itself keeps what it has
// acknowledged. If a Save or Delete is interrupted, the directory holds the old record or the new one, never a mixture.
// ErrConflict means that nothing was changed. After any other error the change may or may not be made: call Load to find out, and
// call Save again to make it durable. If fsync fails, Save fails, and the store never tries fsync again on the same file.
//
// If a record is damaged, Load of that record returns an error that wraps ErrDamaged. Save and Delete read only the first 512
// bytes of the file, and return such an error if these are damaged. If the file was exchanged with the file of another record,
// the error also wraps tokenstore.ErrForeignRecord. All other records stay usable. A List yields the other records first. Its
// last element is the error about the first record that it could not read. A List does not notice damage in files that it does
// not open.
//
// # Errors
//
// The error text of Load, Save and Delete names the record. The error text of List and Open names the file. Test for the cause
// with errors.Is and errors.As:
//
//	error                               when                                                             what to do
//	tokenstore.ErrNotFound              Load: there is no such record                                    connect first
//	tokenstore.ErrConflict              Save, Delete: the record has another version                     load it and decide again, as a Manager does
//	ErrDamaged                          a record was changed, or is in the place of another              remove the file that the text names, and connect that org again
//	ErrUnsafe                           others can access a file or directory, or it is not a plain one  chown and chmod it, or find out who made it
//	ErrFilesystem                       the directory is on a network or unknown file system             use a local disk, or package sqlstore
//	*FileError                          any of these three; Path is the file                             as for the wrapped error
//	errors.ErrUnsupported               Open: the system is neither Linux nor macOS                      use package sqlstore
//	os.ErrClosed                        the store was closed                                             close the store last
//	context.Canceled, DeadlineExceeded  ctx is done; a change may have been made                         call Load to find out
//	any other, such as ENOSPC           the disk failed; a change may have been made                     check the disk; call Load to find out
//
// # Files
//
// All files are in the directory itself. The directory has mode 0700, the files have mode 0600.
//
// NAME.rec is a record. NAME is the SHA-256 of the record's id in hexadecimal digits, so that no id can name a file elsewhere.
// The file holds the id, the version, the due time and the data, with two checksums.
//
// XX.lock is a lock file, where XX are the first two digits of a NAME. There are 256. Each Save and Delete locks one with
// flock(2), and unlocks it at the end. If the process dies, the system unlocks it.
//
// XX.tmp is the next content of a record while it is written. If its writer was killed, the next Open or Save removes it.
//
// The access time of a record's file is a hint: it encodes when the record is due. So a List does not open the files of records
// that are due later. An access time that is no hint can be told apart, for example that of a copied file or of a file that an
// earlier version wrote. In this case List opens the file, and sets the hint. The modification time is the time at which the file
// was written.
//
// Load and List take no lock. The files in the directory are consistent at every instant, so that you may copy the directory
// while it is in use. Package oauthflow describes the danger of restoring an old copy.
//
// # What it refuses
//
// The store refuses some files with an error that wraps ErrUnsafe: links, files with several names, files of another user, and
// files that the group or the world can access. It refuses network and unknown file systems with ErrFilesystem, because their
// locks and fsync may not work as documented. It accepts a tmpfs and the layer of a container. But records there are lost
// together with the tmpfs or the container. With refresh token rotation, the connections are then lost, too. Use a volume.
//
// # Cost
//
// A Save or Delete waits for the disk twice. A Load reads one file.
//
// A List reads the directory once and asks for the access time of every record's file, for every prefix. It reads the first 512
// bytes of the files whose records may be due. Then it reads each record that it yields. It needs 40 bytes of memory for each of
// these. With 100,000 records in the page cache, a List takes about 0.2 s if no record is due, and 1 s if all are due. On macOS,
// and on the file systems of Config.Filesystems, a List opens every file. If that is too slow, use package sqlstore.
//
// # Systems
//
// The package is tested on Linux. It compiles on macOS and is not tested there. On other systems Open returns an error that wraps
// errors.ErrUnsupported.
package filestore
