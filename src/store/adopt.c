/* A file that somebody put into the data directory, or changed there: indexed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "store/internal.h"

#define CHUNK (1 << 20)

/* Its bytes as those of a new instance. */
static int
copy_in(struct store *st, int fd, struct incoming **ret_in, struct err *err)
{
	char *chunk = malloc(CHUNK);
	struct incoming *in = NULL;
	struct stat sb;
	uint64_t off = 0;
	ssize_t n;
	int r = chunk == NULL ? err_set(err, -ENOMEM, "out of memory") : incoming_new(st, &in, err);

	while (r == 0 && (n = io_pread_all(fd, chunk, CHUNK, off)) != 0) {
		r = n < 0 ? err_set(err, (int)n, "cannot read the file: %s", strerror((int)-n))
			  : incoming_write(in, chunk, (size_t)n, err);
		off += (uint64_t)n;
	}
	if (r == 0 && fstat(fd, &sb) == 0) {
		struct timespec times[2] = { sb.st_atim, sb.st_mtim };

		futimens(incoming_fd(in), times);
	}
	free(chunk);
	if (r < 0)
		incoming_free(in);
	*ret_in = r == 0 ? in : NULL;
	return r;
}

/* Another place than its UIDs say: taken in anew, and this file dropped. */
static int
move_in(struct store *st, const char *partition, const char *name, int fd, struct err *err)
{
	struct ingest_options o = { .partition = partition, .rules = VALIDATE_PLAIN, .same = INGEST_SAME_REPLACE };
	struct ingest_result result;
	struct incoming *in;
	struct ticket *t;
	int r = copy_in(st, fd, &in, err);

	if (r < 0)
		return r;
	r = incoming_accept(in, &o, &result, &t, err);
	if (r < 0)
		incoming_free(in);
	else
		r = ticket_wait(t, NULL, err);
	return r < 0 ? r : blob_remove(st->blobs, name);
}

int
adopt_file(struct store *st, const char *name, struct ticket **ret_ticket, struct err *err)
{
	char partition[STORE_NAME_MAX + 1];
	const char *slash = strchr(name, '/');
	struct ingest_result result;
	int fd, r;

	*ret_ticket = NULL;
	if (slash == NULL || slash - name > STORE_NAME_MAX)
		return err_set(err, -EINVAL, "the file is in no partition");
	r = blob_open(st->blobs, name, &fd);
	if (r < 0)
		return err_set(err, r, "cannot open the file: %s", strerror(-r));
	memcpy(partition, name, (size_t)(slash - name));
	partition[slash - name] = '\0';
	r = index_in_place(st, partition, name, fd, &result, ret_ticket, err);
	if (r == 0)
		return 0;	/* fd is the ticket's */
	if (r == -EXDEV)
		r = move_in(st, partition, name, fd, err);
	close(fd);
	return r;
}
