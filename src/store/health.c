/* Proof that the store can be written, read and deleted (contract 11.4).
 *
 * It goes through the blob store, as instances do: the probe is received in staging, gets its
 * public name, is read under that, and removed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/guid.h"
#include "base/io.h"
#include "store/internal.h"

#define LEFTOVER_NS (300 * INT64_C(1000000000))	/* a probe takes milliseconds: nobody waits for it any more */
#define TEXT_MAX 128

static int
write_probe(struct store *st, const char *stage, const char *text)
{
	int fd, r;

	r = blob_stage_create(st->blobs, stage, &fd);
	if (r < 0)
		return r;
	r = io_write_all(fd, text, strlen(text));
	close(fd);
	if (r < 0)
		blob_stage_remove(st->blobs, stage);
	return r;
}

static int
read_probe(struct store *st, const char *name, const char *text)
{
	char got[TEXT_MAX];
	ssize_t n;
	int fd, r;

	r = blob_open(st->blobs, name, &fd);
	if (r < 0)
		return r;
	n = io_pread_all(fd, got, sizeof got, 0);
	close(fd);
	if (n < 0)
		return (int)n;
	return (size_t)n == strlen(text) && memcmp(got, text, (size_t)n) == 0 ? 0 : -EBADMSG;
}

static int
probe(struct store *st, struct err *err)
{
	char guid[GUID_TEXT_MAX], when[CLOCK_TEXT_MAX], text[TEXT_MAX], stage[BLOB_STAGE_MAX], name[BLOB_NAME_MAX];
	uint64_t number;
	int r;

	r = guid_make(guid);
	if (r == 0)
		r = stage_take(st, &number);
	if (r < 0)
		return err_set(err, r, "the store cannot be written: %s", strerror(-r));
	clock_format(clock_now(), when);
	snprintf(text, sizeof text, "%s %s\n", guid, when);
	stage_name(stage, number, NULL);
	snprintf(name, sizeof name, STORE_HEALTH_DIR "/health%s.txt", guid);
	r = write_probe(st, stage, text);
	if (r == 0) {
		r = blob_publish(st->blobs, stage, name);
		if (r < 0)
			blob_stage_remove(st->blobs, stage);
	}
	if (r < 0)
		return err_set(err, r, "the store cannot be written: %s", strerror(-r));
	r = read_probe(st, name, text);
	if (r < 0) {
		blob_remove(st->blobs, name);
		return err_set(err, r, "the store cannot be read: %s", strerror(-r));
	}
	r = blob_remove(st->blobs, name);
	if (r < 0)
		return err_set(err, r, "nothing can be deleted from the store: %s", strerror(-r));
	return 0;
}

/* Of processes that were killed, and the one name that older builds use. */
static void
remove_leftovers(struct store *st)
{
	char path[64 + 3 * STORE_NAME_MAX];
	struct dirent *e;
	struct stat sb;
	DIR *d;
	int fd;

	if (st->dir < 0)
		return;
	snprintf(path, sizeof path, "AHDS/%s/dicom/%s/" STORE_HEALTH_DIR, st->workspace, st->service);
	fd = openat(st->dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (len < 10 || strncmp(e->d_name, "health", 6) != 0 || strcmp(e->d_name + len - 4, ".txt") != 0)
			continue;
		if (strcmp(e->d_name, "health.txt") == 0 ||
		    (fstatat(dirfd(d), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
		     clock_ns(sb.st_mtim) < clock_now() - LEFTOVER_NS))
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

int
store_probe_health(struct store *st, struct err *err)
{
	struct err why;
	int r;

	err_clear(&why);
	remove_leftovers(st);
	r = probe(st, &why);
	pthread_mutex_lock(&st->lock);
	st->health = why;
	pthread_mutex_unlock(&st->lock);
	if (r < 0 && err != NULL)
		*err = why;
	return r;
}

int
store_health(struct store *st, struct err *err)
{
	struct err why;

	pthread_mutex_lock(&st->lock);
	why = st->health;
	pthread_mutex_unlock(&st->lock);
	if (why.num < 0 && err != NULL)
		*err = why;
	return why.num;
}
