if WITH_FS
noinst_LIBRARIES += libfs.a
libfs_a_SOURCES = fs/fs.h fs/private.h \
	fs/mount.c fs/answer.c fs/lowlevel.c fs/services.h fs/services.c \
	fs/options.h fs/options.c \
	fs/channel.h fs/channel.c fs/reader.h fs/reader.c fs/uring.h fs/uring.c fs/patience.h fs/patience.c \
	fs/passthrough.h fs/passthrough.c fs/behind.h fs/behind.c \
	fs/tree.h fs/tree.c \
	fs/inode.h fs/inode.c \
	fs/alias.h fs/alias.c \
	fs/receive.h fs/receive.c \
	fs/settle.h fs/settle.c \
	fs/open.h fs/open.c \
	fs/real.h fs/real.c \
	fs/import.h fs/import.c \
	fs/notify.h fs/notify.c \
	fs/stream.h fs/stream.c \
	fs/query.h fs/query.c \
	fs/virtual.h fs/virtual.c fs/virtual_dir.c \
	fs/attr.c fs/dir.c fs/name.c fs/file.c fs/close.c \
	fs/xattr_meta.h fs/xattr_meta.c \
	fs/xattr_dicom.h fs/xattr_dicom.c fs/xattr.c
libfs_a_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS) $(URING_CFLAGS)
FS_LIBS = libfs.a $(FUSE_LIBS) $(URING_LIBS)
endif
