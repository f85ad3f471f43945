/* Store (STOW-RS, contract 2).
 *
 * The body streams: a part goes into a staging file as it comes, and is accepted
 * when it has ended.  So memory is one buffer and a small row a part, whatever
 * the size of the request.
 *
 * A part of a wrong type, a broken structure and a client that leaves fail the
 * request as a whole, and then nothing of it may stay:
 *  (1) The last LIMIT_PARTS_HELD parts are received but not accepted, so what is wrong within
 *      the first of them, and in any smaller request, comes to light before anything is stored.
 *  (2) What earlier parts created is deleted again.  (The change feed shows both.)
 *  (3) What PUT replaced by then stays replaced; the old bytes are gone.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "web/external.h"
#include "web/handlers.h"
#include "web/multipart.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"
#include "web/status.h"
#include "web/stow_results.h"

#define DICOM_TYPE "application/dicom"

struct held_part {
	struct incoming *in;
	size_t row;
};

struct pending_ticket {
	struct ticket *ticket;
	size_t row;
};

struct stow {
	struct request *rq;
	struct ingest_options options;
	struct stow_results results;
	struct dicom_warnings warnings;	/* of the part accepted last */
	struct incoming *in;		/* the part that is being received */
	struct err write_error;		/* num 0: all of the part could be written so far */
	struct held_part held[LIMIT_PARTS_HELD];	/* oldest first */
	size_t n_held;
	struct pending_ticket tickets[LIMIT_TICKETS];	/* a ring */
	size_t first_ticket, n_tickets;
	struct external_headers externals;
	int trouble;			/* the last errno that is the service's fault */
};

/* ----------------------------------------------------------- parts ---- */

static int
fail_part(struct stow *s, size_t row, const struct ingest_result *result, const struct err *err)
{
	switch (err->num) {
	case -EINVAL:
	case -EBADMSG:
	case -EFBIG:
	case -EEXIST:
		break;
	default:
		s->trouble = err->num;
	}
	return stow_results_set(&s->results, row, result, err);
}

static int
wait_oldest(struct stow *s)
{
	struct pending_ticket p = s->tickets[s->first_ticket];
	struct ingest_result result = { 0 };
	struct err err = { 0 };
	int r;

	s->first_ticket = (s->first_ticket + 1) % LIMIT_TICKETS;
	s->n_tickets--;
	r = ticket_wait(p.ticket, &result, &err);
	if (r == 0)
		return stow_results_set(&s->results, p.row, &result, NULL);
	err.num = r;
	return fail_part(s, p.row, &result, &err);
}

static int
accept_oldest(struct stow *s)
{
	struct held_part p = s->held[0];
	struct ingest_result result = { 0 };
	struct ticket *ticket = NULL;
	struct err err = { 0 };
	int r;

	/* First, since what was accepted must come into the ring: see (2). */
	if (s->n_tickets == LIMIT_TICKETS) {
		r = wait_oldest(s);
		if (r < 0)
			return r;
	}
	s->n_held--;
	memmove(s->held, s->held + 1, s->n_held * sizeof *s->held);
	s->warnings.n = 0;
	r = incoming_accept(p.in, &s->options, &result, &ticket, &err);
	if (r < 0) {
		incoming_free(p.in);
		err.num = r;
		return fail_part(s, p.row, &result, &err);
	}
	r = stow_results_warn(&s->results, p.row, &s->warnings);
	s->tickets[(s->first_ticket + s->n_tickets) % LIMIT_TICKETS] = (struct pending_ticket){ ticket, p.row };
	s->n_tickets++;
	return r;
}

static void
begin_part(struct stow *s)
{
	err_clear(&s->write_error);
	incoming_new(s->rq->service->store, &s->in, &s->write_error);
}

/* A part that cannot be written fails alone; its bytes are read over. */
static void
write_part(struct stow *s, struct slice data)
{
	if (s->write_error.num != 0)
		return;
	if (incoming_write(s->in, data.data, data.len, &s->write_error) < 0) {
		incoming_free(s->in);
		s->in = NULL;
	}
}

static int
end_part(struct stow *s, struct err *err)
{
	size_t row;
	int r = stow_results_add(&s->results, &row, err);

	if (r < 0)
		return r;
	if (s->write_error.num != 0)
		return fail_part(s, row, &(struct ingest_result){ 0 }, &s->write_error);
	if (s->n_held == LIMIT_PARTS_HELD) {
		r = accept_oldest(s);
		if (r < 0)
			return r;
	}
	s->held[s->n_held++] = (struct held_part){ s->in, row };
	s->in = NULL;
	return 0;
}

static int
finish_parts(struct stow *s)
{
	int r = 0;

	while (r == 0 && s->n_held > 0) {
		s->options.waits = s->n_held == 1 && s->n_tickets == 0;
		r = accept_oldest(s);
	}
	while (r == 0 && s->n_tickets > 0)
		r = wait_oldest(s);
	return r;
}

/* What the headers say of the studies that instances were stored into. */
static int
put_externals(struct stow *s, struct err *err)
{
	struct store *st = s->rq->service->store;
	struct store_node node;
	uint64_t last = 0;
	size_t i;
	int r = 0;

	for (i = 0; i < s->results.count && r == 0 && s->externals.n > 0; i++) {
		const struct stow_row *row = &s->results.rows[i];

		/* One that was deleted meanwhile took its study with it, perhaps. */
		if (row->failure != 0 || store_get_node(st, row->id, &node) < 0 || store_get_node(st, node.parent, &node) < 0 ||
		    node.parent == last)
			continue;
		last = node.parent;
		r = store_put_external(st, last, s->externals.values, s->externals.n, err);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* Invariants (1) to (3). */
static void
roll_back(struct stow *s)
{
	struct err err = { 0 };
	size_t i;
	int r;

	incoming_free(s->in);
	s->in = NULL;
	while (s->n_held > 0)
		incoming_free(s->held[--s->n_held].in);
	while (s->n_tickets > 0)
		wait_oldest(s);
	for (i = 0; i < s->results.count; i++) {
		const struct stow_row *row = &s->results.rows[i];

		r = row->created ? store_delete_id(s->rq->service->store, row->id, row->watermark, &err) : 0;
		/* Another client may have deleted it by now, or put its own there. */
		if (r < 0 && r != -ENOENT && r != -ESTALE)
			log_warning("stow id=%s: an instance of a failed request stays: %s",
				    s->rq->id, err_text(&err));
	}
}

/* ------------------------------------------------------------ body ---- */

static int
read_single(struct stow *s, struct err *err)
{
	char *room = chunk_get(s->rq->web->chunks);
	ssize_t n;

	if (room == NULL)
		return err_set(err, -ENOMEM, "No memory");
	n = request_read(s->rq, room, LIMIT_CHUNK, err);
	if (n > 0)
		begin_part(s);
	for (; n > 0; n = request_read(s->rq, room, LIMIT_CHUNK, err))
		write_part(s, slice_of(room, (size_t)n));
	chunk_put(s->rq->web->chunks, room);
	if (n < 0)
		return (int)n;
	return s->in != NULL || s->write_error.num != 0 ? end_part(s, err) : 0;
}

static int
check_part_type(const struct stow *s, const struct multipart_event *ev, const char *default_type, struct err *err)
{
	char text[LIMIT_MEDIA_TEXT];
	struct media media;
	const char *end;

	if (ev->type.data == NULL) {
		/* The type parameter stands for the first part's (contract 2.2). */
		if (s->results.count == 0 && default_type != NULL && strcasecmp(default_type, DICOM_TYPE) == 0)
			return 0;
		return err_set(err, -EPROTONOSUPPORT, "Part %zu has no Content-Type; " DICOM_TYPE " is stored",
			       s->results.count + 1);
	}
	if (ev->type.len < sizeof text) {
		memcpy(text, ev->type.data, ev->type.len);
		text[ev->type.len] = '\0';
		if (media_parse(text, &media, &end) == 0 && *end == '\0' &&
		    strcmp(media.type, DICOM_TYPE) == 0 &&
		    (s->rq->dialect->part_params || media.count == 0))
			return 0;
	}
	return err_set(err, -EPROTONOSUPPORT, "Part %zu is of another type than " DICOM_TYPE, s->results.count + 1);
}

static int
handle_event(struct stow *s, const struct multipart_event *ev, const char *default_type, struct err *err)
{
	int r;

	switch (ev->kind) {
	case MULTIPART_PART:
		r = check_part_type(s, ev, default_type, err);
		if (r == 0)
			begin_part(s);
		return r;
	case MULTIPART_DATA:
		write_part(s, ev->data);
		return 0;
	case MULTIPART_PART_END:
		return end_part(s, err);
	case MULTIPART_END:
		/* A part cut off by the end of the body ends the list silently. */
		incoming_free(s->in);
		s->in = NULL;
		return 0;
	case MULTIPART_MORE:
		break;
	}
	return 0;
}

static int
read_multipart(struct stow *s, struct multipart *mp, const char *default_type, struct err *err)
{
	char *window = chunk_get(s->rq->web->chunks);
	size_t len = 0;
	int r = 0;
	bool done = false;

	if (window == NULL)
		return err_set(err, -ENOMEM, "No memory");
	while (r == 0 && !done) {
		struct multipart_event ev = { .kind = MULTIPART_PART };
		ssize_t n = request_read(s->rq, window + len, LIMIT_CHUNK - len, err);
		size_t at = 0;

		if (n < 0) {
			r = (int)n;
			break;
		}
		len += (size_t)n;
		while (r == 0 && ev.kind != MULTIPART_MORE && ev.kind != MULTIPART_END) {
			r = multipart_next(mp, window + at, len - at, request_body_ended(s->rq), &ev);
			if (r == -EFBIG)
				r = err_set(err, -EINVAL, "A part's headers are longer than %d bytes", LIMIT_PART_HEAD);
			else if (r < 0)
				r = err_set(err, -EINVAL, "The body is not multipart as its boundary says");
			if (r < 0)
				break;
			at += ev.used;
			r = handle_event(s, &ev, default_type, err);
		}
		memmove(window, window + at, len - at);
		len -= at;
		if (ev.kind == MULTIPART_END) {
			/* The epilogue means nothing; it is read over. */
			done = request_body_ended(s->rq);
			len = 0;
		}
	}
	chunk_put(s->rq->web->chunks, window);
	return r;
}

/* --------------------------------------------------------- request ---- */

/* 0: media is set and its boundary known, if it is multipart. */
static int
check_content_type(struct request *rq, struct media *media, struct multipart *mp, bool *ret_multipart,
		   struct err *err)
{
	const char *type = request_header(rq, "Content-Type");
	const char *end, *boundary, *of;

	if (type == NULL)
		return err_set(err, -EPROTONOSUPPORT, "Content-Type is missing");
	if (media_parse(type, media, &end) < 0 || *end != '\0')
		return err_set(err, -EPROTONOSUPPORT, "Content-Type \"%.80s\" is malformed", type);
	if (strcmp(media->type, DICOM_TYPE) == 0 && (rq->dialect->part_params || media->count == 0)) {
		*ret_multipart = false;
		return 0;
	}
	of = media_param(media, "type");
	if (strcmp(media->type, "multipart/related") != 0 ||
	    (of != NULL ? strcasecmp(of, DICOM_TYPE) != 0 : !rq->dialect->part_params))
		return err_set(err, -EPROTONOSUPPORT, "Content-Type \"%.80s\" cannot be stored; multipart/related; "
			       "type=\"" DICOM_TYPE "\" and " DICOM_TYPE " can", type);
	boundary = media_param(media, "boundary");
	if (boundary == NULL || *boundary == '\0')
		return err_set(err, -EPROTONOSUPPORT, "Content-Type has no boundary");
	if (media_param(media, "start") != NULL)
		return err_set(err, -EINVAL, "The start parameter of Content-Type is not supported");
	if (multipart_init(mp, boundary) < 0)
		return err_set(err, -EINVAL, "The boundary is none: 1 to %d visible characters", LIMIT_BOUNDARY);
	*ret_multipart = true;
	return 0;
}

static int
receive(struct stow *s, struct err *err)
{
	struct multipart mp;
	struct media media;
	bool multipart = false;
	int r = check_content_type(s->rq, &media, &mp, &multipart, err);

	if (r < 0)
		return r;
	r = multipart ? read_multipart(s, &mp, media_param(&media, "type"), err) : read_single(s, err);
	if (r == 0)
		r = finish_parts(s);
	if (r == 0)
		r = put_externals(s, err);
	if (r < 0)
		roll_back(s);
	return r;
}

int
stow_handle(struct request *rq, struct err *err)
{
	struct stow s = { .rq = rq };
	int r;

	if (!request_takes_json(rq, !rq->dialect->store_needs_accept))
		return err_set(err, -ENOTSUP, "Accept must allow application/dicom+json");
	s.options = (struct ingest_options){
		.partition = rq->partition,
		.study_uid = rq->study_uid[0] != '\0' ? rq->study_uid : NULL,
		.rules = rq->dialect->rules,
		.same = rq->method == METHOD_PUT ? INGEST_SAME_REPLACE : rq->dialect->same,
		.zero_preamble = rq->dialect->zero_preamble,
		.warnings = &s.warnings,
	};
	r = external_headers_read(rq, &s.externals, err);
	if (r < 0)
		return r;
	stow_results_init(&s.results);
	r = receive(&s, err);
	if (r == 0 && s.trouble != 0 && s.results.failed == s.results.count)
		r = err_set(err, status_of(s.trouble) < 500 ? -EIO : s.trouble, "Nothing could be stored: %s",
			    strerror(-s.trouble));
	else if (r == 0 && s.results.count == 0)
		reply_empty(rq, 204);
	else if (r == 0)
		r = stow_results_send(&s.results, rq);
	stow_results_fini(&s.results);
	dicom_warnings_fini(&s.warnings);
	return r;
}
