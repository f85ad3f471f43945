/* Instances of a study, of a series, or one: as multipart/related or, one, bare
 * (contract 3.1 to 3.3), as stored or transcoded. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/pixels.h"
#include "web/handlers.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"
#include "web/wado.h"

static unsigned
resource_of(const struct request *rq)
{
	return rq->sop_uid[0] != '\0' ? RESOURCE_INSTANCE :
	       rq->series_uid[0] != '\0' ? RESOURCE_SERIES : RESOURCE_STUDY;
}

/* An instance on its way out, as stored in parts or in another syntax.  The reply begins with its
 * first bytes: until then a failure still has its status. */
struct sending {
	struct request *rq;
	struct wado_parts *parts;	/* NULL: bare */
	bool begun;			/* of parts: the reply; the head of this one is written with the first bytes */
	bool started;
	const char *media, *xfer_uid;
	char type[160];			/* of a bare reply, until it ends */
};

/* Nobody wants the body. */
#define NO_BODY (-ECANCELED)

static int
begin_instance(struct sending *t)
{
	int r;

	if (t->parts == NULL) {
		snprintf(t->type, sizeof t->type, "%s; transfer-syntax=%s", t->media, t->xfer_uid);
		r = reply_begin(t->rq, 200, t->type, REPLY_CHUNKED);
		return r > 0 ? NO_BODY : r;
	}
	r = t->begun ? 0 : wado_parts_begin(t->rq, t->media, t->parts);
	t->begun = true;
	return r > 0 ? NO_BODY : r < 0 ? r : wado_parts_next(t->rq, t->parts, t->xfer_uid);
}

static int
put(void *ctx, const void *data, size_t len)
{
	struct sending *t = ctx;
	int r = t->started ? 0 : begin_instance(t);

	t->started = true;
	return r < 0 ? r : reply_write(t->rq, data, len);
}

static int
transcode(struct sending *t, const struct store_file *f, const char *xfer_uid, struct err *err)
{
	struct pixels *p;
	int r = wado_check_size(store_file_info(f)->size, PIXELS_FILE_MAX, err);

	if (r == 0)
		r = pixels_open(t->rq->web->pixels, f, &p, err);
	if (r < 0)
		return wado_not_acceptable(r);
	t->xfer_uid = xfer_uid;
	t->started = false;
	r = pixels_transcode(p, xfer_uid, LIMIT_QUALITY_DEFAULT, put, t, err);
	pixels_close(p);
	/* not transcodable, for want of an image too */
	return r == -ENOENT ? -ENOTSUP : wado_not_acceptable(r);
}

static bool
is_wanted(const struct instance_info *info, const struct accept_choice *choice)
{
	return strcmp(choice->xfer_uid, "*") == 0 || strcmp(choice->xfer_uid, info->xfer_uid) == 0;
}

/* --------------------------------------------------------- multipart ---- */

static int
send_part(struct sending *t, const struct store_file *f, const struct accept_choice *choice, struct err *err)
{
	const struct instance_info *info = store_file_info(f);
	int r;

	if (!is_wanted(info, choice))
		return transcode(t, f, choice->xfer_uid, err);
	t->xfer_uid = info->xfer_uid;
	r = begin_instance(t);
	return r < 0 ? r : reply_file(t->rq, f, 0, info->size);
}

/* f is the first instance's; the scan gives the others.  Those that are deleted
 * while the reply is under way are left out. */
static int
send_multipart(struct request *rq, struct store_scan *scan, const struct store_file *f,
	       const struct accept_choice *choice, struct err *err)
{
	struct wado_parts parts;
	struct sending t = { .rq = rq, .parts = &parts, .media = choice->type };
	struct instance_info info;
	struct store_file *next;
	int r = send_part(&t, f, choice, err);

	while (r == 0 && (r = store_scan_next(scan, &info, err)) > 0) {
		r = store_open_version(rq->service->store, &info, &next, err);
		if (r == 0) {
			r = send_part(&t, next, choice, err);
			store_file_close(next);
		} else if (r == -ENOENT) {
			r = 0;
		}
	}
	return r == NO_BODY ? 0 : r < 0 ? r : wado_parts_end(rq, &parts);
}

/* ------------------------------------------------------------ single ---- */

static int
send_single(struct request *rq, const struct store_file *f, const struct accept_choice *choice, struct err *err)
{
	const struct instance_info *info = store_file_info(f);
	struct sending t = { .rq = rq, .media = choice->type };
	char type[160];
	int r;

	if (is_wanted(info, choice)) {
		snprintf(type, sizeof type, "%s; transfer-syntax=%s", choice->type, info->xfer_uid);
		return wado_send_file(rq, f, 0, info->size, type, err);
	}
	r = transcode(&t, f, choice->xfer_uid, err);
	return r == NO_BODY ? 0 : r < 0 ? r : reply_end(rq);
}

/* ------------------------------------------------------------- which ---- */

/* 0: each instance can be given as chosen, as far as rows tell. */
static int
check_syntaxes(struct request *rq, const struct accept_choice *choice, struct err *err)
{
	struct store_scope scope = wado_scope(rq);
	struct store_scan *scan = NULL;
	struct scope_totals totals;
	struct instance_info info;
	int r = store_scan_open(rq->service->store, &scope, &scan, &totals, err);

	while (r >= 0 && (r = store_scan_next(scan, &info, err)) > 0) {
		if (is_wanted(&info, choice))
			continue;
		if (!pixels_transcodes(info.xfer_uid, choice->xfer_uid))
			r = err_set(err, -ENOTSUP, "%s is not transcoded to %s: ask for transfer-syntax=*",
				    info.xfer_uid, choice->xfer_uid);
		else
			r = wado_check_size(info.size, PIXELS_FILE_MAX, err);
	}
	store_scan_close(scan);
	return r;
}

static int
check_choice(struct request *rq, const struct accept_choice *choice, const struct scope_totals *totals,
	     struct err *err)
{
	if (strcmp(choice->xfer_uid, "*") == 0)
		return 0;
	if (totals->instances > 1 && rq->dialect->many_as_stored)
		return err_set(err, -ENOTSUP, "Several instances are given as stored only: ask for transfer-syntax=*");
	return check_syntaxes(rq, choice, err);
}

static int
send_chosen(struct request *rq, struct store_scan *scan, const struct accept_choice *choice, struct err *err)
{
	struct store_file *f;
	/* The first is opened before the reply begins, so that a missing or changed
	 * file still has its status. */
	int r = wado_open_next(rq, scan, &f, err);

	if (r < 0)
		return r;
	r = choice->multipart ? send_multipart(rq, scan, f, choice, err) : send_single(rq, f, choice, err);
	store_file_close(f);
	return r;
}

int
wado_instance_handle(struct request *rq, struct err *err)
{
	struct store_scope scope = wado_scope(rq);
	struct accept_choice choice;
	struct store_scan *scan = NULL;
	struct scope_totals totals;
	struct accept accept;
	int r;

	/* No Accept header means anything (contract 3.1, Choice). */
	if (!request_accept(rq, &accept))
		accept_parse("*/*", &accept);
	if (accept_choose(rq->dialect->retrieve_rules, rq->dialect->n_retrieve_rules, resource_of(rq),
			  NULL, &accept, &choice) < 0)
		return err_set(err, -ENOTSUP, "Nothing that Accept names can be given here; "
			       "multipart/related; type=\"application/dicom\"; transfer-syntax=* can");
	r = store_scan_open(rq->service->store, &scope, &scan, &totals, err);
	if (r < 0)
		return r;
	/* Contract 11.6: while the reply has not begun. */
	if (totals.archived > 0 && totals.instances > 1 && !scope.original)
		r = err_set(err, -ESTALE, "Files of some instances are in the archive, and must be moved to another tier first: "
			    "BlobArchived");
	if (r == 0)
		r = check_choice(rq, &choice, &totals, err);
	if (r == 0)
		r = send_chosen(rq, scan, &choice, err);
	store_scan_close(scan);
	return r;
}
