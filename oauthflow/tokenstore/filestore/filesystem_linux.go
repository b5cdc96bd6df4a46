package filestore

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// localFilesystems are those of which fsync, rename and flock are known to work, by the number that statfs gives.
var localFilesystems = map[int64]string{
	unix.EXT4_SUPER_MAGIC:      "ext", // 2, 3 and 4 have the same
	unix.XFS_SUPER_MAGIC:       "xfs",
	unix.BTRFS_SUPER_MAGIC:     "btrfs",
	unix.F2FS_SUPER_MAGIC:      "f2fs",
	0x2fc12fc1:                 "zfs",
	0xca451a4e:                 "bcachefs",
	unix.TMPFS_MAGIC:           "tmpfs",
	unix.OVERLAYFS_SUPER_MAGIC: "overlay",
}

// otherFilesystems only have a name.
var otherFilesystems = map[int64]string{
	unix.NFS_SUPER_MAGIC:      "nfs",
	unix.SMB_SUPER_MAGIC:      "smb",
	unix.CIFS_SUPER_MAGIC:     "cifs",
	unix.SMB2_SUPER_MAGIC:     "smb2",
	unix.FUSE_SUPER_MAGIC:     "fuse",
	unix.V9FS_MAGIC:           "9p",
	unix.CEPH_SUPER_MAGIC:     "ceph",
	unix.AFS_SUPER_MAGIC:      "afs",
	unix.CODA_SUPER_MAGIC:     "coda",
	unix.OCFS2_SUPER_MAGIC:    "ocfs2",
	0x01161970:                "gfs2",
	0x0bd00bd0:                "lustre",
	0x47504653:                "gpfs",
	unix.MSDOS_SUPER_MAGIC:    "vfat",
	unix.EXFAT_SUPER_MAGIC:    "exfat",
	unix.ECRYPTFS_SUPER_MAGIC: "ecryptfs",
	unix.RAMFS_MAGIC:          "ramfs",
	unix.PROC_SUPER_MAGIC:     "proc",
	unix.SYSFS_MAGIC:          "sysfs",
}

// filesystem names the kind of file system that an open file is on.
func filesystem(f *os.File) (name string, local bool, err error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return "", false, os.NewSyscallError("fstatfs", err)
	}
	number := int64(uint32(st.Type)) // signed and of different sizes, by architecture
	if name, ok := localFilesystems[number]; ok {
		return name, true, nil
	}
	if name, ok := otherFilesystems[number]; ok {
		return name, false, nil
	}
	return fmt.Sprintf("0x%08x", number), false, nil
}
