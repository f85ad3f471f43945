/* Frames of an instance (contract 3.4): as stored, out of its file by offset, or transcoded
 * one by one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/pixels.h"
#include "web/handlers.h"
#include "web/reply.h"
#include "web/server.h"
#include "web/wado.h"

struct wish {
	uint32_t frames[LIMIT_FRAMES];	/* from 1 */
	unsigned count;
	struct accept_choice choice;
	const char *xfer_uid;		/* to give them in */
	bool as_stored;
};

/* "1, 3,2": 1-based, in the order wanted. */
static int
parse_list(const char *text, struct wish *w, struct err *err)
{
	unsigned long n;
	char *end;

	for (w->count = 0;; text = end + 1) {
		text += strspn(text, " ");
		n = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
		if (n == 0)
			return err_set(err, -EINVAL, "Frames are whole numbers from 1 on, with commas between them");
		if (w->count == LIMIT_FRAMES)
			return err_set(err, -EINVAL, "More than %d frames in one request", LIMIT_FRAMES);
		w->frames[w->count++] = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
		end += strspn(end, " ");
		if (*end == '\0')
			return 0;
		if (*end != ',')
			return err_set(err, -EINVAL, "Frames are whole numbers from 1 on, with commas between them");
	}
}

static int
check_frames(const struct pixels *p, const struct wish *w, struct err *err)
{
	uint32_t count;
	unsigned i;
	int r = pixels_count(p, &count, err);

	if (r < 0)
		return wado_not_acceptable(r);
	for (i = 0; i < w->count; i++)
		if (w->frames[i] > count)
			return err_set(err, -ENOENT, "Frame %u is not there: the instance has %u", w->frames[i], count);
	return 0;
}

static int
choose(struct request *rq, const struct store_file *f, const struct pixels *p, struct wish *w, struct err *err)
{
	const char *stored = pixels_stored_syntax(p);
	struct accept accept;

	if (!request_accept(rq, &accept))
		accept_parse("*/*", &accept);
	if (accept_choose(rq->dialect->retrieve_rules, rq->dialect->n_retrieve_rules, RESOURCE_FRAMES, stored,
			  &accept, &w->choice) < 0)
		return err_set(err, -ENOTSUP, "Nothing that Accept names can be given here; multipart/related; "
			       "type=\"application/octet-stream\"; transfer-syntax=* can");
	w->xfer_uid = strcmp(w->choice.xfer_uid, "*") == 0 ? stored : w->choice.xfer_uid;
	w->as_stored = strcmp(w->xfer_uid, stored) == 0;
	if (!w->choice.multipart && w->count > 1)
		return err_set(err, -EINVAL, "Several frames need a multipart/related reply");
	if (w->as_stored)
		return 0;
	if (!pixels_transcodes(stored, w->xfer_uid))
		return err_set(err, -ENOTSUP, "Frames in %s are not transcoded to %s: ask for transfer-syntax=*",
			       stored, w->xfer_uid);
	return wado_check_size(store_file_info(f)->size, rq->dialect->frame_file_max, err);
}

/* A span of a frame, out of its pieces in the instance's file. */
static int
send_stored(struct request *rq, const struct store_file *f, const struct pixels *p, uint32_t n, struct wado_span span)
{
	uint64_t offset, len;
	uint32_t i;
	int r = 0;

	for (i = 0; r == 0 && span.len > 0 && pixels_frame_piece(p, n, i, &offset, &len); i++) {
		if (span.first >= len) {
			span.first -= len;
			continue;
		}
		offset += span.first;
		len -= span.first;
		if (len > span.len)
			len = span.len;
		r = reply_file(rq, f, offset, len);
		span.first = 0;
		span.len -= len;
	}
	return r;
}

/* The frame from memory, when it is not as stored or not whole bytes there. */
static int
make_frame(const struct pixels *p, const struct wish *w, uint32_t n, struct buf *out, struct err *err)
{
	buf_reset(out);
	return wado_not_acceptable(pixels_frame(p, n, w->as_stored ? "*" : w->xfer_uid, LIMIT_QUALITY_DEFAULT, out, err));
}

/* The boundary between parts is another each time, so that those are the same but not byte for byte. */
static void
make_etag(const struct store_file *f, const struct wish *w, struct etag *tag)
{
	char frames[2 * HASH_LEN + 1];
	unsigned char hash[HASH_LEN];

	hash_bytes(w->frames, w->count * sizeof *w->frames, hash);
	hash_format(hash, frames);
	wado_make_etag(store_file_info(f), tag, " frames %s %s %s%s", frames, w->choice.type, w->xfer_uid,
		       w->choice.multipart ? " parts" : "");
	tag->weak = w->choice.multipart;
}

static int
send_single(struct request *rq, const struct store_file *f, const struct pixels *p, const struct wish *w,
	    const struct etag *tag, struct buf *frame, struct err *err)
{
	uint32_t n = w->frames[0] - 1;
	struct wado_span span;
	char type[160];
	int r;

	snprintf(type, sizeof type, "%s; transfer-syntax=%s", w->choice.type, w->xfer_uid);
	if (!w->as_stored || !pixels_frame_is_stored(p, n)) {
		r = make_frame(p, w, n, frame, err);
		return r < 0 ? r : wado_send_data(rq, tag, type, frame, err);
	}
	r = wado_begin(rq, tag, type, pixels_frame_length(p, n), &span, err);
	if (r != 0)
		return r > 0 ? 0 : r;
	r = send_stored(rq, f, p, n, span);
	return r < 0 ? r : reply_end(rq);
}

static int
send_parts(struct request *rq, const struct store_file *f, const struct pixels *p, const struct wish *w,
	   const struct etag *tag, struct buf *frame, struct err *err)
{
	static const struct wado_span whole = { 0, UINT64_MAX };
	struct wado_parts parts;
	unsigned i;
	int r = 0;

	for (i = 0; i < w->count && r == 0; i++) {
		uint32_t n = w->frames[i] - 1;
		bool direct = w->as_stored && pixels_frame_is_stored(p, n);

		/* the first before the reply begins, so that a failure has its status */
		r = direct ? 0 : make_frame(p, w, n, frame, err);
		if (r == 0 && i == 0) {
			wado_put_etag(rq, tag);
			r = wado_parts_begin(rq, w->choice.type, &parts);
			if (r > 0)
				return 0;
		}
		if (r == 0)
			r = wado_parts_next(rq, &parts, w->xfer_uid);
		if (r == 0)
			r = direct ? send_stored(rq, f, p, n, whole) : reply_write(rq, frame->data, frame->len);
	}
	return r < 0 ? r : wado_parts_end(rq, &parts);
}

static int
send_frames(struct request *rq, const struct store_file *f, const struct pixels *p, struct wish *w, struct err *err)
{
	struct etag tag;
	struct buf frame;
	int r = choose(rq, f, p, w, err);

	if (r == 0)
		r = check_frames(p, w, err);
	if (r < 0)
		return r;
	make_etag(f, w, &tag);
	if (wado_has_current(rq, &tag))
		return 0;
	buf_init(&frame, LIMIT_FRAME);
	r = w->choice.multipart ? send_parts(rq, f, p, w, &tag, &frame, err) :
				  send_single(rq, f, p, w, &tag, &frame, err);
	buf_fini(&frame);
	return r;
}

int
wado_frames_handle(struct request *rq, struct err *err)
{
	struct store_file *f = NULL;
	struct pixels *p = NULL;
	struct wish wish;
	int r = parse_list(rq->match.vars.value[URI_FRAMES], &wish, err);

	if (r == 0)
		r = wado_open_instance(rq, &f, err);
	if (r < 0)
		return r;
	r = wado_not_acceptable(pixels_open(rq->web->pixels, f, &p, err));
	if (r == 0)
		r = send_frames(rq, f, p, &wish, err);
	pixels_close(p);
	store_file_close(f);
	return r;
}
