/* Archives as import drives them: any bytes end in entries or an error, with a sentence. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/check.h"
#include "unpack/unpack.h"

/* More of a small input is only slow. */
#define ENTRIES_MAX 200
#define BYTES_MAX (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_all(struct unpack *u)
{
	static unsigned char chunk[64 << 10];
	struct unpack_entry e;
	struct err err = { 0 };
	size_t total = 0;
	ssize_t n = 1;
	int i, r = 1;

	for (i = 0; i < ENTRIES_MAX && (r = unpack_next(u, &e, &err)) > 0; i++) {
		check(e.name != NULL, "an entry has a name");
		/* every third is passed over */
		for (n = i % 3 == 2 ? 0 : 1; n > 0 && total < BYTES_MAX; total += n > 0 ? (size_t)n : 0)
			n = unpack_read(u, chunk, sizeof chunk, &err);
		check(n >= 0 || err.text[0] != '\0', "an entry that cannot be read says why");
		check(n >= 0 || n == -ENODATA || n == -EBADMSG, "with an error of unpack.h");
		if (n == -EBADMSG || total >= BYTES_MAX)
			return;
	}
	check(r >= 0 || (r == -EBADMSG && err.text[0] != '\0'), "a broken archive says why");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unpack *u = NULL;
	struct err err = { 0 };
	int fd = memfd_create("fuzz", MFD_CLOEXEC), r;

	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size) {
		r = unpack_open(fd, &u, &err);
		check(r == 0 || r == -EINVAL || r == -EBADMSG || r == -ENOMEM, "opening ends as unpack.h says");
		check(r == 0 || err.text[0] != '\0', "or says why not");
		if (r == 0)
			read_all(u);
		unpack_close(u);
	}
	close(fd);
	return 0;
}
