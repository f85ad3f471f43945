/* Instances of a study, of a series, or one: as multipart/related or, one, bare
 * (contract 3.1 to 3.3).  What is sent is what is stored. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"
#include "web/etag.h"
#include "web/handlers.h"
#include "web/range.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

static unsigned
resource_of(const struct request *rq)
{
	return rq->sop_uid[0] != '\0' ? RESOURCE_INSTANCE :
	       rq->series_uid[0] != '\0' ? RESOURCE_SERIES : RESOURCE_STUDY;
}

/* ------------------------------------------------------------ single ---- */

static void
send_single(struct request *rq, const struct store_file *f, const char *media)
{
	const struct instance_info *info = store_file_info(f);
	const char *if_range = request_header(rq, "If-Range");
	const char *range = request_header(rq, "Range");
	char type[160], tag[2 * HASH_LEN + 1];
	uint64_t first = 0, len = info->size;
	int r, status = 200;

	hash_format(info->hash, tag);
	if (etag_in_list(request_header(rq, "If-None-Match"), tag)) {
		reply_header(rq, "ETag", "\"%s\"", tag);
		reply_empty(rq, 304);
		return;
	}
	if (if_range != NULL && !etag_in_list(if_range, tag))
		range = NULL;
	r = rq->method == METHOD_GET ? range_parse(range, info->size, &first, &len) : -ENOENT;
	if (r == -ERANGE) {
		reply_header(rq, "Content-Range", "bytes */%" PRIu64, info->size);
		reply_text(rq, 416, "The instance has %" PRIu64 " bytes", info->size);
		return;
	}
	if (r == 0) {
		status = 206;
		reply_header(rq, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			     first, first + len - 1, info->size);
	}
	reply_header(rq, "ETag", "\"%s\"", tag);
	reply_header(rq, "Accept-Ranges", "bytes");
	snprintf(type, sizeof type, "%s; transfer-syntax=%s", media, info->xfer_uid);
	if (reply_begin(rq, status, type, (int64_t)len) != 0)
		return;
	if (reply_file(rq, f, first, len) < 0)
		reply_abort(rq);
	else
		reply_end(rq);
}

/* --------------------------------------------------------- multipart ---- */

static void
make_boundary(char boundary[33])
{
	unsigned char noise[16];

	if (getrandom(noise, sizeof noise, 0) != sizeof noise)
		memset(noise, 0, sizeof noise);		/* never: the pool is ready since boot */
	hash_format(noise, boundary);
}

static int
send_part(struct request *rq, uint64_t id, const char *media, const char *boundary, bool first, struct err *err)
{
	struct store_file *f = NULL;
	char head[256];
	int n, r;

	r = store_open_file(rq->web->store, id, &f, err);
	if (r < 0)
		return r;
	n = snprintf(head, sizeof head, "%s--%s\r\nContent-Type: %s; transfer-syntax=%s\r\n\r\n",
		     first ? "" : "\r\n", boundary, media, store_file_info(f)->xfer_uid);
	r = reply_write(rq, head, (size_t)n);
	if (r == 0)
		r = reply_file(rq, f, 0, store_file_info(f)->size);
	store_file_close(f);
	return r;
}

/* info is the first instance; the scan gives the others.  Those that are deleted
 * while the reply is under way are left out. */
static void
send_multipart(struct request *rq, struct store_scan *scan, struct instance_info *info, const char *media)
{
	char boundary[33], type[160], tail[64];
	struct err err = { 0 };
	bool first = true;
	int r, n;

	make_boundary(boundary);
	if (rq->dialect->multipart_type)
		snprintf(type, sizeof type, "multipart/related; type=\"%s\"; boundary=%s", media, boundary);
	else
		snprintf(type, sizeof type, "multipart/related; boundary=%s", boundary);
	if (reply_begin(rq, 200, type, REPLY_CHUNKED) != 0)
		return;
	do {
		r = send_part(rq, info->id, media, boundary, first, &err);
		if (r == 0)
			first = false;
		else if (r != -ENOENT)
			break;
		r = store_scan_next(scan, info, &err);
	} while (r > 0);
	if (r == 0) {
		n = snprintf(tail, sizeof tail, "\r\n--%s--\r\n", boundary);
		r = reply_write(rq, tail, (size_t)n);
	}
	if (r < 0)
		reply_error(rq, &err, r);
	else
		reply_end(rq);
}

/* ------------------------------------------------------------- which ---- */

/* Are all instances stored in that syntax?  1, 0 or -errno. */
static int
all_stored_as(struct request *rq, const char *xfer_uid, struct err *err)
{
	struct store_scope scope = request_scope(rq);
	struct store_scan *scan = NULL;
	struct scope_totals totals;
	struct instance_info info;
	int r = store_scan_open(rq->web->store, &scope, &scan, &totals, err);

	while (r >= 0 && (r = store_scan_next(scan, &info, err)) > 0)
		if (strcmp(info.xfer_uid, xfer_uid) != 0)
			break;
	store_scan_close(scan);
	return r < 0 ? r : r == 0;
}

/* 0: what is stored is what was asked for; else the reply was made. */
static int
check_syntax(struct request *rq, const struct accept_choice *choice, const struct scope_totals *totals)
{
	struct err err = { 0 };
	int r;

	if (strcmp(choice->xfer_uid, "*") == 0)
		return 0;
	if (totals->instances > 1 && rq->dialect->many_as_stored) {
		reply_text(rq, 406, "Several instances are given as stored only: ask for transfer-syntax=*");
		return 1;
	}
	r = all_stored_as(rq, choice->xfer_uid, &err);
	if (r < 0) {
		reply_error(rq, &err, r);
		return 1;
	}
	if (r == 0) {
		reply_text(rq, 406, "Instances are not transcoded to %s: ask for transfer-syntax=*",
			   choice->xfer_uid);
		return 1;
	}
	return 0;
}

static void
send_chosen(struct request *rq, struct store_scan *scan, const struct accept_choice *choice)
{
	struct instance_info info;
	struct store_file *f = NULL;
	struct err err = { 0 };
	int r = store_scan_next(scan, &info, &err);

	if (r == 0)
		r = err_set(&err, -ENOENT, "It has just been deleted");
	/* The first is opened before the reply begins, so that a missing or changed
	 * file still has its status. */
	if (r > 0)
		r = store_open_file(rq->web->store, info.id, &f, &err);
	if (r < 0)
		reply_error(rq, &err, r);
	else if (choice->multipart)
		send_multipart(rq, scan, &info, choice->type);
	else
		send_single(rq, f, choice->type);
	store_file_close(f);
}

void
wado_instance_handle(struct request *rq)
{
	struct store_scope scope = request_scope(rq);
	struct accept_choice choice;
	struct store_scan *scan = NULL;
	struct scope_totals totals;
	struct accept accept;
	struct err err = { 0 };
	int r;

	/* No Accept header means anything (contract 3.1, Choice). */
	if (!request_accept(rq, &accept))
		accept_parse("*/*", &accept);
	if (accept_choose(rq->dialect->retrieve_rules, rq->dialect->n_retrieve_rules, resource_of(rq),
			  &accept, &choice) < 0) {
		reply_text(rq, 406, "Nothing that Accept names can be given here; "
			   "multipart/related; type=\"application/dicom\"; transfer-syntax=* can");
		return;
	}
	r = store_scan_open(rq->web->store, &scope, &scan, &totals, &err);
	if (r < 0) {
		reply_error(rq, &err, r);
		return;
	}
	if (check_syntax(rq, &choice, &totals) == 0)
		send_chosen(rq, scan, &choice);
	store_scan_close(scan);
}
