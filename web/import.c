/* PUT .../import-container/{rest}: Azure's Put Blob, Put Block and Put Block List (contract 10).
 *
 * A blob streams into a staging file.  When it is whole it is stored, as a file is that was closed
 * in the import-container of the mount; a client that leaves in the middle leaves nothing.  The reply comes when
 * it is durable, and is 201 also when it was refused: then it lies in the error-container, and a Warning says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/crc64.h"
#include "base/io.h"
#include "base/log.h"
#include "base/md5.h"
#include "web/blocks.h"
#include "web/handlers.h"
#include "web/import_path.h"
#include "web/reply.h"
#include "web/server.h"

/* ------------------------------------------------------------- sums ---- */

/* What the client says of the bytes; NULL: it does not say. */
struct sums {
	const char *want_md5, *want_crc64;
	struct md5 *md5;
	uint64_t crc64;
	char md5_text[MD5_TEXT_MAX], crc64_text[CRC64_TEXT_MAX];
};

static int
sums_init(struct sums *s, const struct request *rq, struct err *err)
{
	*s = (struct sums){
		.want_md5 = request_header(rq, "Content-MD5"), .want_crc64 = request_header(rq, "x-ms-content-crc64"),
	};
	if (s->want_md5 != NULL && (s->md5 = md5_new()) == NULL)
		return err_set(err, -ENOMEM, "No memory");
	return 0;
}

static int
sums_add(struct sums *s, const void *data, size_t len)
{
	if (s->want_crc64 != NULL)
		s->crc64 = crc64_add(s->crc64, data, len);
	return s->md5 != NULL ? md5_add(s->md5, data, len) : 0;
}

/* 0; 1: they differ, and the client has been told so. */
static int
sums_check(struct sums *s, struct request *rq, struct err *err)
{
	crc64_format(s->crc64, s->crc64_text);
	if (s->md5 != NULL && md5_get(s->md5, s->md5_text) < 0)
		return err_set(err, -EIO, "The MD5 of the body cannot be made");
	if (s->want_md5 != NULL && strcmp(s->want_md5, s->md5_text) != 0) {
		import_reply_error(rq, 400, "Md5Mismatch", "The MD5 of the bytes that came is another than Content-MD5");
		return 1;
	}
	if (s->want_crc64 != NULL && strcmp(s->want_crc64, s->crc64_text) != 0) {
		import_reply_error(rq, 400, "Crc64Mismatch",
				   "The CRC64 of the bytes that came is another than x-ms-content-crc64");
		return 1;
	}
	return 0;
}

static void
sums_put_headers(const struct sums *s, struct request *rq)
{
	if (s->want_md5 != NULL)
		reply_header(rq, "Content-MD5", "%s", s->md5_text);
	if (s->want_crc64 != NULL)
		reply_header(rq, "x-ms-content-crc64", "%s", s->crc64_text);
}

static void
sums_fini(struct sums *s)
{
	md5_free(s->md5);
}

/* ----------------------------------------------------------- bytes ---- */

/* The body into in, or with in NULL into fd from off on. */
static int
receive_body(struct request *rq, struct incoming *in, int fd, uint64_t off, struct sums *sums, uint64_t *ret_size,
	     struct err *err)
{
	char *room = chunk_get(rq->web->chunks);
	uint64_t size = 0;
	ssize_t n = 0;
	int r = room == NULL ? err_set(err, -ENOMEM, "No memory") : 0;

	while (r == 0 && (n = request_read(rq, room, LIMIT_CHUNK, err)) > 0) {
		if (in != NULL)
			r = incoming_write(in, room, (size_t)n, err);
		else if ((r = io_pwrite_all(fd, room, (size_t)n, off + size)) < 0)
			err_set(err, r, "A block cannot be written: %s", strerror(-r));
		if (r == 0 && sums_add(sums, room, (size_t)n) < 0)
			r = err_set(err, -EIO, "The MD5 of the body cannot be made");
		size += (uint64_t)n;
	}
	chunk_put(rq->web->chunks, room);
	*ret_size = size;
	return r == 0 && n < 0 ? (int)n : r;
}

/* ----------------------------------------------------------- blobs ---- */

static void
put_created(struct request *rq)
{
	struct tm tm;
	time_t now = time(NULL);
	char text[40];

	gmtime_r(&now, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	reply_header(rq, "Last-Modified", "%s", text);
	reply_header(rq, "ETag", "\"0x%llX\"", (unsigned long long)clock_now());
	reply_header(rq, "x-ms-request-server-encrypted", "false");
	import_put_headers(rq);
}

/* A header holds no quotes and no line ends. */
static void
warn_refused(struct request *rq, const struct err *err)
{
	char text[sizeof err->text + 32];
	char *p;

	snprintf(text, sizeof text, "refused: %s", err_text(err));
	for (p = text; *p != '\0'; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
			*p = '\'';
	reply_warning(rq, text);
}

/* Takes in. */
static int
store_blob(struct request *rq, struct incoming *in, const char *path, const struct sums *sums, struct err *err)
{
	struct ingest_result result = { 0 };
	int r = store_import(rq->service->store, in, path, &result, err);

	if (r < 0)
		return r;
	if (r > 0) {
		log_warning("refused door=import id=%s: %s", rq->id, err_text(err));
		warn_refused(rq, err);
	}
	if (sums != NULL)
		sums_put_headers(sums, rq);
	put_created(rq);
	reply_empty(rq, 201);
	return 0;
}

static int
put_blob(struct request *rq, const char *path, struct err *err)
{
	const char *type = request_header(rq, "x-ms-blob-type");
	struct incoming *in = NULL;
	struct sums sums;
	uint64_t size;
	int r;

	if (type != NULL && strcasecmp(type, "BlockBlob") != 0) {
		import_reply_error(rq, 400, "InvalidBlobType", "Only block blobs can be put here");
		return 0;
	}
	if (request_header(rq, "x-ms-copy-source") != NULL) {
		import_reply_error(rq, 400, "UnsupportedHeader", "Nothing is fetched from elsewhere");
		return 0;
	}
	r = sums_init(&sums, rq, err);
	if (r == 0)
		r = incoming_new(rq->service->store, &in, err);
	if (r == 0)
		r = receive_body(rq, in, -1, 0, &sums, &size, err);
	if (r == 0)
		r = sums_check(&sums, rq, err);
	if (r == 0) {
		r = store_blob(rq, in, path, &sums, err);
		in = NULL;
	}
	incoming_free(in);
	sums_fini(&sums);
	return r < 0 ? r : 0;
}

static int
put_block(struct request *rq, const char *path, const char *id, struct err *err)
{
	struct upload *u;
	struct sums sums;
	uint64_t off, size;
	int fd, r;

	if (id == NULL || !block_id_is_valid(id)) {
		import_reply_error(rq, 400, "InvalidQueryParameterValue", "blockid is base64 of 1 to 64 bytes");
		return 0;
	}
	/* Its place is taken before it comes, so that blocks come side by side. */
	if (rq->body_length <= 0 || rq->inflated != NULL) {
		import_reply_error(rq, 411, "MissingContentLengthHeader", "A block needs a Content-Length, and no coding");
		return 0;
	}
	r = blocks_reserve(rq->service->blocks, path, (uint64_t)rq->body_length, rq->service->max_request, &u, &fd, &off, err);
	if (r < 0)
		return r;
	r = sums_init(&sums, rq, err);
	if (r == 0)
		r = receive_body(rq, NULL, fd, off, &sums, &size, err);
	if (r == 0)
		r = sums_check(&sums, rq, err);
	if (r != 0)
		blocks_drop(rq->service->blocks, u);
	else if ((r = blocks_add(rq->service->blocks, u, id, off, size)) < 0)
		err_set(err, r, "The blob has too many blocks");
	if (r == 0) {
		sums_put_headers(&sums, rq);
		reply_header(rq, "x-ms-request-server-encrypted", "false");
		import_put_headers(rq);
		reply_empty(rq, 201);
	}
	sums_fini(&sums);
	return r < 0 ? r : 0;
}

/* The body of Put Block List: free().  1: refused, and the client told so. */
static int
read_list(struct request *rq, struct block_name **ret_names, size_t *ret_n, struct err *err)
{
	struct sums sums;
	struct buf xml;
	char *room;
	ssize_t n;
	int r = sums_init(&sums, rq, err);

	buf_init(&xml, LIMIT_BLOCK_LIST);
	while (r == 0) {
		r = buf_reserve(&xml, LIMIT_ENCODED_PIECE, &room);
		if (r < 0) {
			err_set(err, r == -EMSGSIZE ? -EFBIG : r, "The block list is too long");
			r = err->num;
			break;
		}
		n = request_read(rq, room, LIMIT_ENCODED_PIECE, err);
		if (n <= 0) {
			r = (int)n;
			break;
		}
		r = sums_add(&sums, room, (size_t)n);
		buf_grow(&xml, (size_t)n);
	}
	if (r == 0)
		r = sums_check(&sums, rq, err);
	if (r == 0) {
		r = block_list_parse(xml.data != NULL ? xml.data : "", xml.len, ret_names, ret_n);
		if (r == -ENOMEM) {
			err_set(err, r, "No memory");
		} else if (r < 0) {
			import_reply_error(rq, 400, r == -E2BIG ? "BlockListTooLong" : "InvalidXmlDocument",
					   "The body is no block list, or it has too many blocks");
			r = 1;
		}
	}
	buf_fini(&xml);
	sums_fini(&sums);
	return r;
}

static int
put_block_list(struct request *rq, const char *path, struct err *err)
{
	struct block_name *names = NULL;
	struct incoming *in;
	size_t n;
	int r = read_list(rq, &names, &n, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = blocks_take(rq->service->blocks, path, names, n, &in, err);
	free(names);
	if (r == -ENOENT) {
		import_reply_error(rq, 400, "InvalidBlockList", err_text(err));
		return 0;
	}
	return r < 0 ? r : store_blob(rq, in, path, NULL, err);
}

int
import_put_handle(struct request *rq, struct err *err)
{
	char path[STORE_IMPORT_PATH_MAX + 1];
	struct uri_query query;
	const char *comp;
	int r = uri_parse_query(rq->raw_query, &query, err);

	if (r < 0)
		return r;
	if (import_path(rq, path, err) < 0) {
		import_reply_error(rq, 400, "InvalidUri", err_text(err));
		return 0;
	}
	/* What was put is stored at once, and no blob any more. */
	if (request_header(rq, "If-Match") != NULL) {
		import_reply_error(rq, 412, "ConditionNotMet", "There is no blob of that name");
		return 0;
	}
	comp = uri_query_find(&query, "comp");
	if (comp == NULL)
		return put_blob(rq, path, err);
	if (strcasecmp(comp, "block") == 0)
		return put_block(rq, path, uri_query_find(&query, "blockid"), err);
	if (strcasecmp(comp, "blocklist") == 0)
		return put_block_list(rq, path, err);
	import_reply_error(rq, 400, "InvalidQueryParameterValue", "comp is block or blocklist here");
	return 0;
}
