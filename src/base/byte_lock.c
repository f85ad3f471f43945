#include "base/byte_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Any byte a file can have. */
static struct flock
byte_of(uint64_t number)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)(number >> 2), .l_len = 1 };
}

int
byte_lock_take(int dir, const char *file, uint64_t number, int *ret_lock)
{
	struct flock byte = byte_of(number);
	int r, fd = openat(dir, file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &byte) < 0) {
		r = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
		close(fd);
		return r;
	}
	*ret_lock = fd;
	return 0;
}

bool
byte_lock_is_held(int dir, const char *file, uint64_t number)
{
	struct flock byte = byte_of(number);
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	bool held = fd >= 0 && fcntl(fd, F_OFD_GETLK, &byte) == 0 && byte.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return held;
}
