/* Metadata of a study, series or instance (contract 3.5): stored JSON, concatenated. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "web/handlers.h"
#include "web/reply.h"
#include "web/server.h"
#include "web/wado.h"

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
	const char *suffix = coding == CODING_IDENTITY || rq->dialect->bare_etag ? "" :
		coding == CODING_ZSTD ? "-zstd" : "-gzip";

	*tag = (struct etag){ .bare = rq->dialect->bare_etag, .vary = "Accept-Encoding" };
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

	if (reply_begin(rq, 200, "application/dicom+json", REPLY_CODED) != 0)
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

int
wado_metadata_handle(struct request *rq, struct err *err)
{
	struct store_scope scope = request_scope(rq);
	struct store_scan *scan = NULL;
	struct scope_totals totals;
	struct etag tag;
	int r;

	if (!request_takes_json(rq, true))
		return err_set(err, -ENOTSUP, "Metadata is given in application/dicom+json only");
	r = store_scan_open(rq->web->store, &scope, &scan, &totals, err);
	if (r < 0)
		return r;
	make_etag(rq, &totals, reply_coding(rq), &tag);
	if (!wado_has_current(rq, &tag)) {
		wado_put_etag(rq, &tag);
		r = send_metadata(rq, scan, err);
	}
	store_scan_close(scan);
	return r;
}
