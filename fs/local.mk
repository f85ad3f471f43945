if WITH_FS
noinst_LIBRARIES += libfs.a
libfs_a_SOURCES = fs/fs.h
libfs_a_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
FS_LIBS = libfs.a $(FUSE_LIBS)
endif
