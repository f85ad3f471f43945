/* Instances of a study, of a series, or one: as multipart/related or, one, bare
 * (contract 3.1 to 3.3).  What is sent is what is stored. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"
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

/* id is the first instance's; the scan gives the others.  Those that are deleted
 * while the reply is under way are left out. */
static int
send_multipart(struct request *rq, struct store_scan *scan, uint64_t id, const char *media, struct err *err)
{
	char boundary[33], type[160], tail[64];
	struct instance_info info = { .id = id };
	bool first = true;
	int r, n;

	make_boundary(boundary);
	if (rq->dialect->multipart_type)
		snprintf(type, sizeof type, "multipart/related; type=\"%s\"; boundary=%s", media, boundary);
	else
		snprintf(type, sizeof type, "multipart/related; boundary=%s", boundary);
	if (reply_begin(rq, 200, type, REPLY_CHUNKED) != 0)
		return 0;
	do {
		r = send_part(rq, info.id, media, boundary, first, err);
		if (r == 0)
			first = false;
		else if (r != -ENOENT)
			return r;
		r = store_scan_next(scan, &info, err);
	} while (r > 0);
	if (r < 0)
		return r;
	n = snprintf(tail, sizeof tail, "\r\n--%s--\r\n", boundary);
	r = reply_write(rq, tail, (size_t)n);
	return r < 0 ? r : reply_end(rq);
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

/* 0: what is stored is what was asked for. */
static int
check_syntax(struct request *rq, const struct accept_choice *choice, const struct scope_totals *totals,
	     struct err *err)
{
	int r;

	if (strcmp(choice->xfer_uid, "*") == 0)
		return 0;
	if (totals->instances > 1 && rq->dialect->many_as_stored)
		return err_set(err, -ENOTSUP, "Several instances are given as stored only: ask for transfer-syntax=*");
	r = all_stored_as(rq, choice->xfer_uid, err);
	if (r == 0)
		return err_set(err, -ENOTSUP, "Instances are not transcoded to %s: ask for transfer-syntax=*",
			       choice->xfer_uid);
	return r < 0 ? r : 0;
}

static int
send_chosen(struct request *rq, struct store_scan *scan, const struct accept_choice *choice, struct err *err)
{
	const struct instance_info *info;
	struct store_file *f;
	char type[160];
	/* The first is opened before the reply begins, so that a missing or changed
	 * file still has its status. */
	int r = wado_open_next(rq, scan, &f, err);

	if (r < 0)
		return r;
	info = store_file_info(f);
	snprintf(type, sizeof type, "%s; transfer-syntax=%s", choice->type, info->xfer_uid);
	if (choice->multipart)
		r = send_multipart(rq, scan, info->id, choice->type, err);
	else
		r = wado_send_file(rq, f, 0, info->size, type, err);
	store_file_close(f);
	return r;
}

int
wado_instance_handle(struct request *rq, struct err *err)
{
	struct store_scope scope = request_scope(rq);
	struct accept_choice choice;
	struct store_scan *scan = NULL;
	struct scope_totals totals;
	struct accept accept;
	int r;

	/* No Accept header means anything (contract 3.1, Choice). */
	if (!request_accept(rq, &accept))
		accept_parse("*/*", &accept);
	if (accept_choose(rq->dialect->retrieve_rules, rq->dialect->n_retrieve_rules, resource_of(rq),
			  &accept, &choice) < 0)
		return err_set(err, -ENOTSUP, "Nothing that Accept names can be given here; "
			       "multipart/related; type=\"application/dicom\"; transfer-syntax=* can");
	r = store_scan_open(rq->web->store, &scope, &scan, &totals, err);
	if (r < 0)
		return r;
	r = check_syntax(rq, &choice, &totals, err);
	if (r == 0)
		r = send_chosen(rq, scan, &choice, err);
	store_scan_close(scan);
	return r;
}
