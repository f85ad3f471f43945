#include "fs/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fs/tree.h"
#include "store/change_json.h"

/* Metadata made at a time. */
#define PIECE (128 << 10)
/* One instance's JSON is the largest piece. */
#define PIECE_MAX (256u << 20)
/* A read of the sums ends after so long if it has a line: files are read for them. */
#define SUMS_PATIENCE_NS INT64_C(100000000)

struct stream {
	struct store *st;
	enum stream_kind kind;
	uint64_t id;
	char partition[STORE_NAME_MAX + 1], study_uid[UID_TEXT_MAX], series_uid[UID_TEXT_MAX];
	struct store_file *original;	/* STREAM_ORIGINAL */

	pthread_mutex_t lock;		/* guards all below */
	struct store_scan *scan;
	bool ended;			/* the piece is the last */
	uint64_t at;			/* where the piece begins */
	struct buf piece;
};

/* -- opening -------------------------------------------------------------- */

/* The names of the node and of those above. */
static int
find_names(struct stream *s)
{
	uint64_t id = s->id;
	struct store_node n;
	int r;

	do {
		r = store_get_node(s->st, id, &n);
		if (r < 0)
			return r;
		if (n.level == STORE_SERIES)
			strcpy(s->series_uid, n.name);
		else if (n.level == STORE_STUDY)
			strcpy(s->study_uid, n.name);
		else if (n.level == STORE_PARTITION)
			strcpy(s->partition, n.name);
		id = n.parent;
	} while (id != STORE_ROOT_ID);
	return 0;
}

static int
open_original(struct stream *s)
{
	struct err err;

	err_clear(&err);
	return store_open_original(s->st, s->id, &s->original, &err);
}

int
stream_open(struct store *st, enum stream_kind kind, uint64_t id, struct stream **ret_stream)
{
	struct stream *s = calloc(1, sizeof *s);
	int r = 0;

	if (s == NULL)
		return -ENOMEM;
	s->st = st;
	s->kind = kind;
	s->id = id;
	s->at = UINT64_MAX;		/* not begun */
	pthread_mutex_init(&s->lock, NULL);
	buf_init(&s->piece, PIECE_MAX);
	if (kind == STREAM_SERIES || kind == STREAM_SUMS)
		r = find_names(s);
	else if (kind == STREAM_ORIGINAL)
		r = open_original(s);
	if (r < 0) {
		stream_close(s);
		return r;
	}
	*ret_stream = s;
	return 0;
}

void
stream_close(struct stream *s)
{
	if (s == NULL)
		return;
	store_scan_close(s->scan);
	store_file_close(s->original);
	buf_fini(&s->piece);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* -- pieces --------------------------------------------------------------- */

static int
begin(struct stream *s)
{
	struct store_scope scope = { .partition = s->partition, .study_uid = s->study_uid,
		.series_uid = s->kind == STREAM_SERIES ? s->series_uid : NULL };
	struct err err;
	int r = 0;

	err_clear(&err);
	buf_reset(&s->piece);
	s->ended = false;
	store_scan_close(s->scan);
	s->scan = NULL;
	if (s->kind == STREAM_SERIES || s->kind == STREAM_SUMS)
		r = store_scan_open(s->st, &scope, &s->scan, NULL, &err);
	s->at = r == 0 ? 0 : UINT64_MAX;
	return r;
}

static int
next_metadata(struct stream *s)
{
	struct err err;
	int r;

	err_clear(&err);
	if (s->at == 0)
		buf_putc(&s->piece, '[');
	r = store_scan_metadata(s->scan, &s->piece, PIECE, NULL, NULL, &err);
	if (r == 0) {
		buf_puts(&s->piece, "]\n");
		s->ended = true;
	}
	return r < 0 ? r : buf_error(&s->piece);
}

static int
only_instance(struct stream *s)
{
	struct err err;
	int r;

	err_clear(&err);
	r = store_get_attributes(s->st, s->id, &s->piece, &err);
	s->ended = true;
	return r < 0 ? r : buf_putc(&s->piece, '\n');
}

static size_t
sum_line_len(const struct instance_info *info)
{
	return SHA256_TEXT_MAX - 1 + strlen("  /" TREE_SUFFIX "\n") + strlen(info->series_uid) + strlen(info->sop_uid);
}

/* No file has this sum: sha256sum -c names the one whose bytes are not what was stored, and goes on. */
static const char no_sum[] = "0000000000000000000000000000000000000000000000000000000000000000";

static int
put_sum(struct stream *s, const struct instance_info *info)
{
	char sum[SHA256_TEXT_MAX];
	struct store_file *f;
	struct err err;
	int r;

	err_clear(&err);
	r = store_open_file(s->st, info->id, &f, &err);
	if (r == 0) {
		r = store_file_verify(f, sum, &err);
		store_file_close(f);
	}
	if (r < 0) {
		if (r == -ENOMEM)
			return r;
		/* One that was removed meanwhile is no surprise. */
		if (r != -ENOENT)
			log_error("sums door=mount instance=%" PRIu64 " error=\"%s\"", info->id, err_text(&err));
		strcpy(sum, no_sum);
	}
	return buf_printf(&s->piece, "%s  %s/%s" TREE_SUFFIX "\n", sum, info->series_uid, info->sop_uid);
}

/* The line that has the byte at off, or a later one: those before are only counted. */
static int
next_sum(struct stream *s, uint64_t off)
{
	struct instance_info info;
	struct err err;
	int r;

	err_clear(&err);
	while ((r = store_scan_next(s->scan, &info, &err)) > 0) {
		if (s->at + sum_line_len(&info) > off)
			return put_sum(s, &info);
		s->at += sum_line_len(&info);
	}
	s->ended = true;
	return r;
}

/* Move to the piece behind this one. */
static int
next_piece(struct stream *s, uint64_t off)
{
	s->at += s->piece.len;
	buf_reset(&s->piece);
	switch (s->kind) {
	case STREAM_SERIES:
		return next_metadata(s);
	case STREAM_INSTANCE:
		return only_instance(s);
	default:
		return next_sum(s, off);
	}
}

static ssize_t
read_locked(struct stream *s, char *data, size_t len, uint64_t off)
{
	int64_t until = clock_monotonic() + SUMS_PATIENCE_NS;
	size_t done = 0, n, from;
	int r = 0;

	if (off < s->at)
		r = begin(s);
	while (r == 0 && done < len) {
		if (off < s->at + s->piece.len) {
			from = (size_t)(off - s->at);
			n = s->piece.len - from < len - done ? s->piece.len - from : len - done;
			memcpy(data + done, s->piece.data + from, n);
			done += n;
			off += n;
		} else if (s->ended || (done > 0 && s->kind == STREAM_SUMS && clock_monotonic() > until)) {
			break;
		} else {
			r = next_piece(s, off);
		}
	}
	if (r < 0)
		s->at = UINT64_MAX;
	return done > 0 ? (ssize_t)done : r;
}

/* -- the feed ------------------------------------------------------------- */

static int
put_line(void *ctx, const struct change_entry *entry)
{
	struct buf *out = ctx;
	size_t end = out->len + STREAM_LINE - 1;

	change_put_json(entry, out);
	if (out->len > end)
		return -EOVERFLOW;	/* cannot be: the parts of an entry have bounds */
	while (buf_error(out) == 0 && out->len < end)
		buf_putc(out, ' ');
	return buf_putc(out, '\n');
}

static ssize_t
read_feed(struct stream *s, char *data, size_t len, uint64_t off)
{
	size_t from = (size_t)(off % STREAM_LINE);
	struct changes_query q = { .from = CHANGES_BY_SEQUENCE, .after = off / STREAM_LINE,
		.limit = (from + len + STREAM_LINE - 1) / STREAM_LINE };
	struct buf out;
	struct err err;
	ssize_t n = 0;
	int r;

	err_clear(&err);
	buf_init(&out, (size_t)(q.limit + 1) * STREAM_LINE);
	r = store_changes(s->st, &q, put_line, &out, &err);
	if (r == 0 && out.len > from) {
		n = (ssize_t)(out.len - from < len ? out.len - from : len);
		memcpy(data, out.data + from, (size_t)n);
	}
	buf_fini(&out);
	return r < 0 ? r : n;
}

ssize_t
stream_read(struct stream *s, void *data, size_t len, uint64_t off)
{
	ssize_t n;

	if (s->kind == STREAM_FEED)
		return read_feed(s, data, len, off);
	if (s->kind == STREAM_ORIGINAL)
		return store_file_pread(s->original, data, len, off);
	pthread_mutex_lock(&s->lock);
	n = read_locked(s, data, len, off);
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* -- sizes ---------------------------------------------------------------- */

static int
take_sequence(void *ctx, const struct change_entry *entry)
{
	*(uint64_t *)ctx = entry->change.sequence;
	return 0;
}

int
stream_size(struct store *st, enum stream_kind kind, uint64_t id, uint64_t *ret_size)
{
	const struct changes_query latest = { .from = CHANGES_LATEST, .limit = 1 };
	struct stream *s;
	struct err err;
	uint64_t sequence = 0;
	int r;

	err_clear(&err);
	if (kind == STREAM_FEED) {
		r = store_changes(st, &latest, take_sequence, &sequence, &err);
		if (r == 0)
			*ret_size = sequence * STREAM_LINE;
		return r;
	}
	r = stream_open(st, kind, id, &s);
	if (r < 0)
		return r;
	if (kind == STREAM_ORIGINAL) {
		*ret_size = store_file_info(s->original)->size;
		stream_close(s);
		return 0;
	}
	r = begin(s);
	/* Nothing is at an offset that large: lines of sums are counted only. */
	while (r == 0 && !s->ended)
		r = next_piece(s, UINT64_MAX);
	if (r == 0)
		*ret_size = s->at + s->piece.len;
	stream_close(s);
	return r;
}
