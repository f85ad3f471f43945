#include "base/copy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/io.h"

/* Between looks at whether to stop. */
#define CHUNK (8 << 20)
#define XATTR_ROOM 65536

static int
copy_chunk(int from, int to, char *chunk, uint64_t off, size_t len)
{
	ssize_t n = io_pread_all(from, chunk, len, off);

	if (n <= 0)
		return n < 0 ? (int)n : -EIO;	/* it became shorter */
	return (size_t)n == len ? io_write_all(to, chunk, len) : -EIO;
}

static int
copy_bytes(int from, int to, uint64_t size, const atomic_bool *stop)
{
	bool in_kernel = true;
	char *chunk = NULL;
	uint64_t off = 0;
	int r = 0;

	while (r == 0 && off < size) {
		size_t len = size - off < CHUNK ? (size_t)(size - off) : CHUNK;
		loff_t in = (loff_t)off, out = (loff_t)off;
		ssize_t n;

		if (stop != NULL && atomic_load(stop)) {
			r = -ECANCELED;
			break;
		}
		if (in_kernel) {
			n = copy_file_range(from, &in, to, &out, len, 0);
			if (n > 0) {
				off += (uint64_t)n;
				continue;
			}
			/* Not between these file systems. */
			in_kernel = false;
			chunk = malloc(CHUNK);
			if (chunk == NULL || lseek(to, (off_t)off, SEEK_SET) < 0)
				r = -ENOMEM;
			continue;
		}
		r = copy_chunk(from, to, chunk, off, len);
		off += len;
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
	r = copy_bytes(from, to, (uint64_t)sb.st_size, stop);
	return r < 0 ? r : copy_file_attributes(from, to);
}
