/* The two queues of the import area: files of JSON objects, one a line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/guid.h"
#include "base/io.h"
#include "base/log.h"
#include "dicom/tag.h"
#include "store/import.h"
#include "store/internal.h"

/* Whole, or not at all: a full disk takes a part of it. */
static int
append(int fd, const struct buf *line)
{
	struct stat sb;
	int r;

	/* Other processes, too.  Closing gives it back. */
	if (flock(fd, LOCK_EX) < 0 || fstat(fd, &sb) < 0)
		return -errno;
	r = io_write_all(fd, line->data, line->len);
	if (r < 0 && ftruncate(fd, sb.st_size) < 0)
		log_error("import: half a line is left in a queue");
	return r;
}

int
queue_append(struct store *st, const char *queue, const struct buf *line)
{
	char old[64];
	struct stat sb;
	int fd, r;

	r = buf_error(line);
	if (r < 0)
		return r;
	pthread_mutex_lock(&st->queues_lock);
	if (fstatat(st->dir, queue, &sb, 0) == 0 && sb.st_size > QUEUE_MAX) {
		snprintf(old, sizeof old, "%s.old", queue);
		renameat(st->dir, queue, st->dir, old);
	}
	fd = openat(st->dir, queue, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	r = fd < 0 ? -errno : append(fd, line);
	if (fd >= 0)
		close(fd);
	pthread_mutex_unlock(&st->queues_lock);
	return r;
}

static void
put_member(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ",\"%s\":", name);
	buf_put_json_string(b, value, strlen(value));
}

void
queue_put_refusal(struct buf *b, const char *door, const char *name, const char *path,
		  const struct ingest_result *result, const struct err *err)
{
	char when[CLOCK_TEXT_MAX], error[sizeof err->text + 48];
	const char *text = err_text(err), *after = err->tag != 0 && *text == '(' ? strstr(text, ": ") : NULL;

	clock_format(clock_now(), when);
	buf_printf(b, "{\"time\":\"%s\"", when);
	put_member(b, "door", door);
	put_member(b, "name", name);
	if (path != NULL)
		put_member(b, "path", path);
	if (result != NULL && result->identity.sop_uid[0] != '\0')
		put_member(b, "sopInstanceUid", result->identity.sop_uid);
	/* Contract 10; 409 is what a STOW that stores nothing answers. */
	buf_puts(b, ",\"status\":409");
	if (err->reason != 0)
		buf_printf(b, ",\"failureReason\":%u", err->reason);
	if (err->tag != 0)
		buf_printf(b, ",\"tag\":\"%08X\"", err->tag);
	put_member(b, "reason", text);
	/* As STOW words it (contract 2.8): the sentence names the attribute in its own way. */
	if (err->tag != 0)
		snprintf(error, sizeof error, "DICOM100: (%04x,%04x) - %s", TAG_GROUP(err->tag),
			 TAG_ELEMENT(err->tag), after != NULL ? after + 2 : text);
	else
		snprintf(error, sizeof error, "DICOM100: %s", text);
	buf_puts(b, ",\"errors\":[");
	buf_put_json_string(b, error, strlen(error));
	buf_puts(b, "]}\n");
}

void
store_record_refusal(struct store *st, const char *door, const char *name,
		     const struct ingest_result *result, const struct err *err)
{
	struct buf b;

	if (st->read_only || st->path == NULL)
		return;
	buf_init(&b, QUEUE_LINE_MAX);
	queue_put_refusal(&b, door, name, NULL, result, err);
	queue_append(st, STORE_ERROR_QUEUE, &b);
	buf_fini(&b);
}

/* Contract 11.7, in the shape of CloudEvents 1.0. */
void
store_put_import(struct store *st, struct buf *lines, const char *path, uint64_t size)
{
	char when[CLOCK_TEXT_MAX], id[GUID_TEXT_MAX], subject[STORE_IMPORT_PATH_MAX + 80];

	if (guid_make(id) < 0)
		return;
	clock_format(clock_now(), when);
	snprintf(subject, sizeof subject, "/blobServices/default/containers/import-container/blobs/%s", path);
	buf_printf(lines, "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/AHDS_%s-%s\"", id, st->workspace,
		   st->service);
	buf_puts(lines, ",\"type\":\"Microsoft.Storage.BlobCreated\"");
	put_member(lines, "subject", subject);
	put_member(lines, "time", when);
	buf_printf(lines, ",\"data\":{\"api\":\"PutBlob\",\"contentType\":\"application/dicom\",\"contentLength\":%llu,"
		   "\"blobType\":\"BlockBlob\"}}\n", (unsigned long long)size);
}

void
store_record_imports(struct store *st, const struct buf *lines)
{
	if (st->read_only || st->path == NULL || lines->len == 0)
		return;
	if (queue_append(st, STORE_IMPORT_QUEUE, lines) < 0)
		log_error("import: cannot write to the import-queue");
}

void
store_record_import(struct store *st, const char *path, uint64_t size)
{
	struct buf b;

	buf_init(&b, QUEUE_LINE_MAX);
	store_put_import(st, &b, path, size);
	store_record_imports(st, &b);
	buf_fini(&b);
}

int
store_open_queue(struct store *st, bool errors, int *ret_fd)
{
	int fd = openat(st->dir, errors ? STORE_ERROR_QUEUE : STORE_IMPORT_QUEUE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}
