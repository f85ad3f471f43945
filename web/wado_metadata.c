/* Metadata of a study, series or instance (contract 3.5): stored JSON, concatenated. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/lru.h"
#include "web/external.h"
#include "web/handlers.h"
#include "web/reply.h"
#include "web/server.h"
#include "web/wado.h"

#define TYPE "application/dicom+json"

static void
put_instance_url(void *ctx, const struct instance_info *info, struct buf *url)
{
	const struct request *rq = ctx;

	request_put_url(rq, info->study_uid, info->series_uid, info->sop_uid, url);
}

/* Contract 3.5 writes the tag of /v1 and /v2, whatever coding the body comes in.  RFC 9110 8.8.3.3
 * wants another for each. */
static void
make_etag(const struct request *rq, const struct scope_totals *totals, enum coding coding, struct etag *tag)
{
	const char *coded = coding == CODING_IDENTITY || rq->dialect->bare_etag ? "" :
		coding == CODING_ZSTD ? "-zstd" : "-gzip";
	char suffix[sizeof "-original-meta-0123456789abcdef-gzip"], meta[sizeof "-meta-0123456789abcdef"] = "";

	if (totals->external != 0)
		snprintf(meta, sizeof meta, "-meta-%016" PRIx64, totals->external);
	snprintf(suffix, sizeof suffix, "%s%s%s", wado_wants_original(rq) ? "-original" : "", meta, coded);
	*tag = (struct etag){ .bare = rq->dialect->bare_etag,
			      .vary = "Accept-Encoding, " WADO_ORIGINAL ", " EXTERNAL_WANTED };
	if (rq->sop_uid[0] != '\0')
		snprintf(tag->text, sizeof tag->text, "%" PRIu64 "%s", totals->max_watermark, suffix);
	else
		snprintf(tag->text, sizeof tag->text, "%" PRIu64 "-%" PRIu64 "%s", totals->max_watermark,
			 totals->instances, suffix);
}

static int
send_metadata(struct request *rq, struct store_scan *scan, struct err *err)
{
	struct buf piece;
	int r;

	if (reply_begin(rq, 200, TYPE, REPLY_CODED) != 0)
		return 0;
	buf_init(&piece, LIMIT_METADATA_MAX);
	r = reply_write(rq, "[", 1);
	if (r == 0)
		do {
			buf_reset(&piece);
			r = store_scan_metadata(scan, &piece, LIMIT_METADATA_PIECE,
						rq->dialect->show_bulk ? put_instance_url : NULL, rq, err);
			if (r >= 0 && reply_write(rq, piece.data, piece.len) < 0)
				r = -EPIPE;
		} while (r > 0);
	if (r == 0)
		r = reply_write(rq, "]", 1);
	buf_fini(&piece);
	return r < 0 ? r : reply_end(rq);
}

/* ------------------------------------------------------------- coded ---- */

/* Coding takes longer than all else, so what came of it is kept.  A coded body is named by the
 * scope and its tag, which never comes back with other instances: what was added has a higher
 * watermark, and what was removed is one less. */
struct coded {
	char *name;
	char *data;
	size_t len;
};

void
wado_free_coded(void *body)
{
	struct coded *c = body;

	if (c == NULL)
		return;
	free(c->name);
	free(c->data);
	free(c);
}

/* /v1 and /v2 show no URLs, and so the same. */
static void
put_name(const struct request *rq, const struct etag *tag, enum coding coding, struct buf *name)
{
	buf_printf(name, "%s %s %s ", store_label(rq->service->store), coding_name(coding), tag->text);
	if (rq->dialect->show_bulk)
		request_put_url(rq, rq->study_uid, rq->series_uid, rq->sop_uid, name);
	else
		buf_printf(name, "%s/%s/%s/%s", rq->partition != NULL ? rq->partition : "", rq->study_uid,
			   rq->series_uid, rq->sop_uid);
}

static int
send_kept(struct request *rq, enum coding coding, const struct coded *c)
{
	int r;

	reply_put_coding(rq, coding);
	r = reply_begin(rq, 200, TYPE, (int64_t)c->len);
	if (r != 0)
		return r > 0 ? 0 : r;
	r = reply_write(rq, c->data, c->len);
	return r < 0 ? r : reply_end(rq);
}

static void
keep(struct request *rq, const char *name, const unsigned char key[HASH_LEN], struct buf *body)
{
	struct coded *c;
	char *shrunk;

	if (buf_error(body) < 0 || rq->reply.body < LIMIT_CODED_MIN || body->len == 0 ||
	    (c = calloc(1, sizeof *c)) == NULL)
		return;
	c->name = strdup(name);
	if (c->name == NULL) {
		wado_free_coded(c);
		return;
	}
	c->data = buf_take(body, &c->len);
	shrunk = realloc(c->data, c->len);
	if (shrunk != NULL)
		c->data = shrunk;
	lru_release(rq->web->coded, lru_put(rq->web->coded, key, c, sizeof *c + strlen(name) + c->len));
}

/* As send_metadata, and keep what came of it if that is of the totals' instances. */
static int
send_and_keep(struct request *rq, struct store_scan *scan, const struct scope_totals *totals,
	      const char *name, const unsigned char key[HASH_LEN], struct err *err)
{
	bool copies = atomic_fetch_add(&rq->web->copying, 1) < LIMIT_CODED_COPIES;
	struct buf copy;
	int r;

	buf_init(&copy, LIMIT_CODED_BODY);
	if (copies)
		reply_copy_coded(rq, &copy);
	r = send_metadata(rq, scan, err);
	if (r == 0 && store_scan_newest(scan) <= totals->max_watermark)
		keep(rq, name, key, &copy);
	reply_copy_coded(rq, NULL);
	buf_fini(&copy);
	atomic_fetch_sub(&rq->web->copying, 1);
	return r;
}

static int
send_coded(struct request *rq, struct store_scan *scan, const struct scope_totals *totals,
	   const struct etag *tag, enum coding coding, struct err *err)
{
	unsigned char key[HASH_LEN];
	const struct coded *c;
	struct lru_item *i;
	struct buf name;
	int r;

	buf_init(&name, LIMIT_ASKED);
	put_name(rq, tag, coding, &name);
	r = buf_error(&name);
	if (r < 0)
		goto out;
	hash_bytes(name.data, name.len, key);
	i = lru_find(rq->web->coded, key);
	c = i != NULL ? lru_value(i) : NULL;
	/* Host is part of the name, so that somebody could look for two of the same hash. */
	if (c != NULL && strcmp(c->name, name.data) == 0)
		r = send_kept(rq, coding, c);
	else
		r = send_and_keep(rq, scan, totals, name.data, key, err);
	lru_release(rq->web->coded, i);
out:
	buf_fini(&name);
	return r;
}

int
wado_metadata_handle(struct request *rq, struct err *err)
{
	struct store_scope scope = wado_scope(rq);
	bool external = external_wanted(rq);
	struct store_scan *scan = NULL;
	enum coding coding = reply_coding(rq);
	struct scope_totals totals;
	struct etag tag;
	int r;

	if (!request_takes_json(rq, true))
		return err_set(err, -ENOTSUP, "Metadata is given in application/dicom+json only");
	scope.external = external;
	r = store_scan_open(rq->service->store, &scope, &scan, &totals, err);
	if (r < 0)
		return r;
	make_etag(rq, &totals, coding, &tag);
	if (!wado_has_current(rq, &tag)) {
		wado_put_etag(rq, &tag);
		r = coding == CODING_IDENTITY ? send_metadata(rq, scan, err) :
						send_coded(rq, scan, &totals, &tag, coding, err);
	}
	store_scan_close(scan);
	return r;
}
