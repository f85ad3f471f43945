/* io.h: whole reads and writes, and directories.  An int is 0 or -errno. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int io_write_all(int fd, const void *data, size_t len);
int io_pwrite_all(int fd, const void *data, size_t len, uint64_t off);
/* Exactly len bytes, or the count up to the end of the file. */
ssize_t io_pread_all(int fd, void *data, size_t len, uint64_t off);
/* Is a path that of the directory, or of something in it?  By their names: both as realpath(3) gives them. */
bool io_is_below(const char *path, const char *dir);
/* An open file by one more name, below a directory.  -EXDEV, -EPERM, -EOPNOTSUPP: it cannot have one there; -ENOENT also:
 * it has no name any more. */
int io_link(int fd, int dirfd, const char *name);
/* mkdir -p below dirfd; what exists already is fine. */
int io_mkdir_all(int dirfd, const char *path);

#endif
