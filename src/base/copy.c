#include "base/copy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/io.h"

/* Between looks at whether to stop: by the kernel, and by hand. */
#define PIECE (8u << 20)
#define CHUNK (1u << 20)
#define XATTR_ROOM 65536

static int
copy_chunk(int from, uint64_t off, int to, uint64_t at, char *chunk, size_t len)
{
	ssize_t n = io_pread_all(from, chunk, len, off);

	if (n < 0 || (size_t)n < len)
		return n < 0 ? (int)n : -EIO;	/* it became shorter */
	return io_pwrite_all(to, chunk, len, at);
}

int
copy_bytes(int from, uint64_t off, int to, uint64_t at, uint64_t len, const atomic_bool *stop)
{
	bool in_kernel = true;
	char *chunk = NULL;
	int r = 0;

	while (r == 0 && len > 0) {
		size_t most = in_kernel ? PIECE : CHUNK, want = len < most ? (size_t)len : most;

		if (stop != NULL && atomic_load(stop)) {
			r = -ECANCELED;
		} else if (in_kernel) {
			loff_t in = (loff_t)off, out = (loff_t)at;
			ssize_t n = copy_file_range(from, &in, to, &out, want, 0);

			in_kernel = n > 0;	/* not between these file systems */
			want = n > 0 ? (size_t)n : 0;
		} else if (chunk == NULL && (chunk = malloc(want)) == NULL) {
			r = -ENOMEM;
		} else {
			r = copy_chunk(from, off, to, at, chunk, want);
		}
		off += want;
		at += want;
		len -= want;
	}
	free(chunk);
	return r;
}

/* Where none can be kept, there are none. */
static void
copy_xattrs(int from, int to)
{
	char *room = malloc(XATTR_ROOM), *value = malloc(XATTR_ROOM), *name;
	ssize_t n = room != NULL && value != NULL ? flistxattr(from, room, XATTR_ROOM) : -1, len;

	for (name = room; n > 0 && name < room + n; name += strlen(name) + 1) {
		if (strncmp(name, "user.", 5) != 0)
			continue;
		len = fgetxattr(from, name, value, XATTR_ROOM);
		if (len >= 0 && fsetxattr(to, name, value, (size_t)len, 0) < 0)
			break;
	}
	free(room);
	free(value);
}

int
copy_file_attributes(int from, int to)
{
	struct timespec times[2];
	struct stat sb;

	if (fstat(from, &sb) < 0)
		return -errno;
	copy_xattrs(from, to);
	times[0] = sb.st_atim;
	times[1] = sb.st_mtim;
	return fchmod(to, sb.st_mode & 0777) < 0 || futimens(to, times) < 0 ? -errno : 0;
}

int
copy_file(int from, int to, const atomic_bool *stop)
{
	struct stat sb;
	int r;

	if (fstat(from, &sb) < 0)
		return -errno;
	r = copy_bytes(from, 0, to, 0, (uint64_t)sb.st_size, stop);
	return r < 0 ? r : copy_file_attributes(from, to);
}
