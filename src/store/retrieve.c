/* Instances of a scope, their headers and their bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "catalog/header.h"
#include "dicom/json.h"
#include "store/external_json.h"
#include "store/internal.h"
#include "store/tiers_internal.h"

/* Instances read in one transaction. */
#define PAGE 64
/* Bytes of a file read at a time to verify it: what the second level cache holds, hashed twice. */
#define CHUNK (256 << 10)
/* A file that is replaced again and again while we open it. */
#define OPEN_TRIES 16

void
info_of(const struct instance_row *row, uint64_t id, const char *study_uid, const char *series_uid,
	struct instance_info *info)
{
	*info = (struct instance_info){
		.id = id, .watermark = row->watermark, .size = row->size, .mtime = row->mtime,
		.created = row->created, .pixel_offset = row->pixel_offset, .rows = row->rows,
		.columns = row->columns, .frames = row->frames, .updated = (row->flags & INSTANCE_UPDATED) != 0,
		.tier = (enum store_tier)instance_row_tier(row),
	};
	memcpy(info->hash, row->hash, HASH_LEN);
	strcpy(info->study_uid, study_uid);
	strcpy(info->series_uid, series_uid);
	strcpy(info->sop_uid, row->uid);
	strcpy(info->class_uid, row->class_uid);
	strcpy(info->xfer_uid, row->xfer_uid);
}

/* -- scans ---------------------------------------------------------------- */

/* Where a scan stands: everything up to and including (study, series,
 * instance) was handed out.  No transaction is kept, only these ids. */
struct store_scan {
	struct store *st;
	bool original;
	struct catalog_path scope;
	uint64_t study, series, instance;	/* 0: at the beginning of that level */
	bool ended;
	bool first;				/* no metadata written yet */
	uint64_t newest;			/* watermark handed out */
	char study_uid[UID_TEXT_MAX], series_uid[UID_TEXT_MAX];
	struct instance_info page[PAGE];
	size_t n, next;
	struct series_base base;
	struct buf json, rendered;
	struct externals externals;
};

static int
total(struct kv_txn *txn, const struct catalog_path *p, struct scope_totals *totals)
{
	struct catalog_rows rows;
	int r = catalog_rows(txn, p, &rows);

	if (r < 0)
		return r;
	if (p->instance != 0)
		*totals = (struct scope_totals){ 1, rows.instance.size, rows.instance.watermark,
			instance_row_tier(&rows.instance) == STORE_ARCHIVE ? rows.instance.size : 0, 0 };
	else if (p->series != 0)
		*totals = (struct scope_totals){ rows.series.instances, rows.series.bytes, rows.series.max_watermark,
			rows.series.tiers[STORE_ARCHIVE], 0 };
	else if (p->study != 0)
		*totals = (struct scope_totals){ rows.study.instances, rows.study.bytes, rows.study.max_watermark,
			rows.study.tiers[STORE_ARCHIVE], 0 };
	else
		*totals = (struct scope_totals){ rows.partition.instances, rows.partition.bytes, 0,
			rows.partition.tiers[STORE_ARCHIVE], 0 };
	return 0;
}

int
store_scan_open(struct store *st, const struct store_scope *scope, struct store_scan **ret_scan,
		struct scope_totals *totals, struct err *err)
{
	struct store_scan *s = calloc(1, sizeof *s);
	struct kv_txn *txn;
	int r;

	if (s == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	s->st = st;
	s->original = scope->original;
	s->first = true;
	buf_init(&s->base.json, HEADER_MAX);
	buf_init(&s->json, HEADER_MAX);
	buf_init(&s->rendered, 2 * HEADER_MAX);
	externals_init(&s->externals);
	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0) {
		free(s);
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	}
	r = scope_resolve(txn, scope, &s->scope, err);
	if (r == 0 && totals != NULL) {
		r = total(txn, &s->scope, totals);
		if (r < 0)
			err_set(err, r, "cannot read the index: %s", strerror(-r));
	}
	if (r == 0 && scope->external) {
		r = externals_load(&s->externals, txn, s->scope.study);
		if (r < 0)
			err_set(err, r, "cannot read the index: %s", strerror(-r));
		else if (totals != NULL)
			totals->external = externals_number(&s->externals);
	}
	kv_abort(txn);
	if (r < 0) {
		store_scan_close(s);
		return r;
	}
	*ret_scan = s;
	return 0;
}

void
store_scan_close(struct store_scan *s)
{
	if (s == NULL)
		return;
	buf_fini(&s->base.json);
	buf_fini(&s->json);
	buf_fini(&s->rendered);
	externals_fini(&s->externals);
	free(s);
}

/* The first child of parent after `after` in table: 1, or 0 when there is none. */
static int
next_child(struct kv_txn *txn, enum table table, uint64_t parent, uint64_t after, uint64_t *ret_id)
{
	struct kv_range *g;
	struct slice k, v;
	int r;

	r = catalog_children(txn, table, parent, after + 1, KV_ASCENDING, 1, &g);
	if (r < 0)
		return r;
	r = kv_range_next(g, &k, &v);
	if (r > 0)
		*ret_id = read_u64((const char *)k.data + 8);
	kv_range_close(g);
	return r;
}

/* Move to the next series; 1, or 0 at the end. */
static int
next_series(struct store_scan *s, struct kv_txn *txn)
{
	const struct catalog_path *scope = &s->scope;
	int r;

	if (scope->series != 0) {
		if (s->series != 0)
			return 0;
		s->study = scope->study;
		s->series = scope->series;
		s->instance = scope->instance != 0 ? scope->instance - 1 : 0;
		return 1;
	}
	if (s->study == 0)
		s->study = scope->study;
	for (;;) {
		if (s->study != 0) {
			r = next_child(txn, T_SERIES, s->study, s->series, &s->series);
			if (r > 0)
				s->instance = 0;
			if (r != 0)
				return r;
			if (scope->study != 0)
				return 0;
		}
		r = next_child(txn, T_STUDY, scope->partition, s->study, &s->study);
		if (r <= 0)
			return r;
		s->series = 0;
	}
}

static int
series_uids(struct store_scan *s, struct kv_txn *txn)
{
	struct catalog_path p = { s->scope.partition, s->study, s->series, 0 };
	struct catalog_rows rows;
	int r = catalog_rows(txn, &p, &rows);

	if (r == 0) {
		strcpy(s->study_uid, rows.study.uid);
		strcpy(s->series_uid, rows.series.uid);
	}
	return r;
}

/* Of an instance; 1 to go on, 0 to stop after this one. */
typedef int scan_fn(struct store_scan *s, struct kv_txn *txn, const struct instance_row *row, uint64_t id, void *ctx);

/* Call fn for what is left of the series the scan stands in; *left counts down. */
static int
scan_series(struct store_scan *s, struct kv_txn *txn, size_t *left, scan_fn *fn, void *ctx)
{
	struct instance_row row;
	struct kv_range *g;
	struct slice k, v;
	int r = series_uids(s, txn);

	if (r < 0)
		return r == -ENOENT ? 0 : r;	/* deleted since we were here */
	r = catalog_children(txn, T_INSTANCE, s->series, s->instance + 1, KV_ASCENDING, *left, &g);
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		uint64_t id = read_u64((const char *)k.data + 8);

		if (s->scope.instance != 0 && id != s->scope.instance)
			break;
		r = instance_row_get(v, &row);
		if (r < 0)
			break;
		s->instance = id;
		if (row.watermark > s->newest)
			s->newest = row.watermark;
		--*left;
		r = fn(s, txn, &row, id, ctx);
		if (r == 0)
			*left = 0;
		if (r <= 0)
			break;
	}
	kv_range_close(g);
	return r;
}

/* Call fn for up to max further instances: 1 when more may follow, 0 at the end. */
static int
scan_some(struct store_scan *s, size_t max, scan_fn *fn, void *ctx)
{
	struct kv_txn *txn;
	int r;

	barrier(s->st);
	r = kv_begin(s->st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	while (max > 0 && !s->ended) {
		r = s->series != 0 ? scan_series(s, txn, &max, fn, ctx) : 0;
		if (r >= 0 && max > 0) {
			r = next_series(s, txn);
			s->ended = r == 0;
		}
		if (r < 0)
			break;
	}
	kv_abort(txn);
	return r < 0 ? r : !s->ended;
}

static void
info_of_original(const struct original *o, uint64_t id, struct instance_info *info)
{
	info_of(&o->row, id, o->study_uid, o->series_uid, info);
	info->updated = info->original = true;
}

static bool
wants_original(const struct store_scan *s, const struct instance_row *row)
{
	return s->original && (row->flags & INSTANCE_UPDATED) != 0;
}

static int
add_info(struct store_scan *s, struct kv_txn *txn, const struct instance_row *row, uint64_t id, void *ctx)
{
	struct original o;
	int r;

	(void)ctx;
	if (wants_original(s, row)) {
		r = original_get(txn, s->series, id, &o);
		if (r < 0)
			return r;
		info_of_original(&o, id, &s->page[s->n++]);
	} else
		info_of(row, id, s->study_uid, s->series_uid, &s->page[s->n++]);
	return 1;
}

int
store_scan_next(struct store_scan *s, struct instance_info *ret_info, struct err *err)
{
	int r;

	while (s->next == s->n) {
		if (s->ended)
			return 0;
		s->next = s->n = 0;
		r = scan_some(s, PAGE, add_info, NULL);
		if (r < 0)
			return err_set(err, r, "cannot read the index: %s", strerror(-r));
	}
	*ret_info = s->page[s->next++];
	return 1;
}

int
scan_from(struct store *st, uint64_t node, struct scan_place *place, struct instance_info *infos, size_t max, size_t *ret_n)
{
	struct store_scan *s = calloc(1, sizeof *s);
	struct kv_txn *txn;
	enum level level;
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->st = st;
	s->study = place->study;
	s->series = place->series;
	s->instance = place->instance;
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r == 0) {
		r = catalog_path(txn, node, &s->scope, &level);
		kv_abort(txn);
	}
	*ret_n = 0;
	while (r >= 0 && *ret_n < max && !s->ended) {
		s->n = 0;
		r = scan_some(s, max - *ret_n < PAGE ? max - *ret_n : PAGE, add_info, NULL);
		memcpy(infos + *ret_n, s->page, s->n * sizeof *infos);
		*ret_n += s->n;
	}
	if (r >= 0) {
		*place = (struct scan_place){ s->study, s->series, s->instance };
		r = !s->ended;
	}
	free(s);
	return r;
}

struct metadata {
	struct buf *out;
	size_t enough;
	void (*instance_url)(void *ctx, const struct instance_info *info, struct buf *url);
	void *ctx;
};

static int
add_metadata(struct store_scan *s, struct kv_txn *txn, const struct instance_row *row, uint64_t id, void *ctx)
{
	struct metadata *m = ctx;
	struct instance_info info;
	struct buf url, *to;
	int r;

	buf_reset(&s->json);
	r = wants_original(s, row) ? catalog_read_original(txn, &s->base, s->series, id, &s->json)
				   : catalog_read_header(txn, &s->base, s->series, id, &s->json);
	if (r < 0) {
		log_error("index: broken header sop=%s", row->uid);
		return r;
	}
	if (!s->first)
		buf_putc(m->out, ',');
	s->first = false;
	to = s->externals.n > 0 ? &s->rendered : m->out;
	buf_reset(&s->rendered);
	if (m->instance_url == NULL)
		r = dicom_json_render(buf_slice(&s->json), NULL, to);
	else {
		info_of(row, id, s->study_uid, s->series_uid, &info);
		buf_init(&url, 8192);
		m->instance_url(m->ctx, &info, &url);
		r = buf_error(&url);
		if (r == 0)
			r = dicom_json_render(buf_slice(&s->json), url.data, to);
		buf_fini(&url);
	}
	if (r == 0 && to == &s->rendered)
		r = externals_merge(&s->externals, buf_slice(&s->rendered), m->out);
	if (r < 0)
		return r;
	return m->out->len <= m->enough;
}

int
store_scan_metadata(struct store_scan *s, struct buf *out, size_t enough,
		    void (*instance_url)(void *ctx, const struct instance_info *info, struct buf *url),
		    void *ctx, struct err *err)
{
	struct metadata m = { out, enough, instance_url, ctx };
	int r = 1;

	while (r > 0 && out->len <= enough) {
		/* Its series may have been deleted and made again since the last call. */
		s->base.series = 0;
		r = scan_some(s, PAGE * 4, add_metadata, &m);
	}
	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	return r;
}

uint64_t
store_scan_newest(const struct store_scan *s)
{
	return s->newest;
}

/* -- files ---------------------------------------------------------------- */

struct store_file {
	struct instance_info info;
	int fd;
};

static bool
fits(int fd, const struct instance_row *row)
{
	struct stat sb;

	return fstat(fd, &sb) == 0 && (uint64_t)sb.st_size == row->size &&
	       clock_ns(sb.st_mtim) == row->mtime;
}

/* Open the bytes of a row: under its public name, or still in staging. */
static int
open_row(struct store *st, const struct instance_row *row, const char *name, const char *stage, int *ret_fd)
{
	/* An older version may lie at the public path of a replaced one: look there second. */
	bool staging = (row->flags & INSTANCE_REPLACED) != 0;
	int i, r, fd, worst = -ENOENT;

	/* Three looks, in turn: it may get its name between the first two. */
	for (i = 0; i < 3; i++, staging = !staging) {
		r = staging ? blob_stage_open(st->blobs, stage, &fd) : blob_open(st->blobs, name, &fd);
		if (r == 0) {
			if (fits(fd, row)) {
				*ret_fd = fd;
				return 0;
			}
			close(fd);
			worst = -ESTALE;
		} else if (r == -ELOOP)
			worst = -ESTALE;
		else if (r != -ENOENT)
			return r;
	}
	return worst;
}

/* The row of an instance and where its bytes may lie. */
static int
find_file(struct store *st, uint64_t id, bool first, struct instance_info *info, struct instance_row *row,
	  char name[BLOB_NAME_MAX], char stage[BLOB_STAGE_MAX])
{
	struct catalog_rows rows;
	struct original o;
	struct catalog_path p;
	struct kv_txn *txn;
	int r;

	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_instance_rows(txn, id, &p, &rows);
	first = first && r == 0 && (rows.instance.flags & INSTANCE_UPDATED) != 0;
	if (first)
		r = original_get(txn, p.series, id, &o);
	if (r == 0 && first) {
		*row = o.row;
		info_of_original(&o, id, info);
		original_name(name, rows.partition.name, rows.study.uid, rows.series.uid, rows.instance.uid);
		row_stage_name(stage, row->stage, row->flags, rows.partition.name);
	} else if (r == 0) {
		*row = rows.instance;
		info_of(row, id, rows.study.uid, rows.series.uid, info);
		instance_names(&rows, name, stage);
	}
	kv_abort(txn);
	return r;
}

int
instance_now(struct store *st, uint64_t id, struct instance_info *ret_info)
{
	char name[BLOB_NAME_MAX], stage[BLOB_STAGE_MAX];
	struct instance_row row;

	return find_file(st, id, false, ret_info, &row, name, stage);
}

static int
open_any(struct store *st, uint64_t id, bool first, bool archived_too, struct store_file **ret_file, struct err *err)
{
	char name[BLOB_NAME_MAX], stage[BLOB_STAGE_MAX];
	struct instance_row row;
	struct store_file *f;
	uint64_t watermark = 0;
	int tries, r = -ESTALE;

	f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	barrier(st);
	for (tries = 0; tries < OPEN_TRIES; tries++) {
		r = find_file(st, id, first, &f->info, &row, name, stage);
		if (r < 0) {
			err_set(err, r, r == -ENOENT ? "no such instance" : "cannot read the index: %s", strerror(-r));
			break;
		}
		if (f->info.tier == STORE_ARCHIVE && !archived_too) {
			r = err_set(err, -ESTALE, "the file of the instance is in the archive, and must be moved to another tier first: "
				    "BlobArchived");
			break;
		}
		r = open_row(st, &row, name, stage, &f->fd);
		if (r == 0) {
			*ret_file = f;
			return 0;
		}
		if (r == -ENOMEDIUM) {
			unsigned tier;

			tier_away(st, blob_tier(st->blobs, name, &tier) == 0 ? (enum store_tier)tier : f->info.tier, r, err);
			break;
		}
		if (r != -ENOENT && r != -ESTALE) {
			err_set(err, r, "cannot open the file: %s", strerror(-r));
			break;
		}
		if (row.watermark == watermark) {
			r = err_set(err, -ESTALE, "the file of the instance was changed or removed behind the store: %s",
				    r == -ENOENT ? "BlobNotFound" : "ConditionNotMet");
			break;
		}
		watermark = row.watermark;	/* replaced while we looked? look once more */
	}
	free(f);
	return r;
}

/* To the doors, bytes that cannot be had are one thing (contract 11.5). */
static int
open_file(struct store *st, uint64_t id, bool first, struct store_file **ret_file, struct err *err)
{
	int r = open_any(st, id, first, false, ret_file, err);

	if (r == -ENOMEDIUM) {
		r = -ESTALE;
		if (err != NULL)
			err->num = r;
	}
	return r;
}

int
open_bytes(struct store *st, uint64_t id, bool original, struct store_file **ret_file, struct err *err)
{
	int r = open_any(st, id, original, true, ret_file, err);

	/* Only the owner may; to others, it counts. */
	if (r == 0)
		fcntl((*ret_file)->fd, F_SETFL, O_NOATIME);
	return r;
}

int
store_open_file(struct store *st, uint64_t id, struct store_file **ret_file, struct err *err)
{
	return open_file(st, id, false, ret_file, err);
}

int
store_open_original(struct store *st, uint64_t id, struct store_file **ret_file, struct err *err)
{
	return open_file(st, id, true, ret_file, err);
}

int
store_open_version(struct store *st, const struct instance_info *info, struct store_file **ret_file, struct err *err)
{
	return open_file(st, info->id, info->original, ret_file, err);
}

const struct instance_info *
store_file_info(const struct store_file *f)
{
	return &f->info;
}

int
store_file_fd(const struct store_file *f)
{
	return f->fd;
}

ssize_t
store_file_pread(const struct store_file *f, void *data, size_t len, uint64_t off)
{
	return io_pread_all(f->fd, data, len, off);
}

/* Every byte into both hashes; sums NULL: into the first only. */
static int
hash_file(const struct store_file *f, struct hash_stream *h, struct sha256 *sums, char *chunk)
{
	uint64_t off = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = store_file_pread(f, chunk, CHUNK, off)) != 0) {
		if (n < 0)
			return (int)n;
		hash_stream_add(h, chunk, (size_t)n);
		if (sums != NULL)
			r = sha256_add(sums, chunk, (size_t)n);
		off += (uint64_t)n;
	}
	return r < 0 ? r : off == f->info.size ? 0 : -ESTALE;
}

int
store_file_verify(const struct store_file *f, char sha256[SHA256_TEXT_MAX], struct err *err)
{
	struct hash_stream *h = hash_stream_new();
	struct sha256 *sums = sha256 != NULL ? sha256_new() : NULL;
	char *chunk = malloc(CHUNK);
	unsigned char hash[HASH_LEN];
	int r = -ENOMEM;

	if (h != NULL && chunk != NULL && (sums != NULL || sha256 == NULL))
		r = hash_file(f, h, sums, chunk);
	if (r == 0) {
		hash_stream_get(h, hash);
		r = memcmp(hash, f->info.hash, HASH_LEN) == 0 ? 0 : -ESTALE;
	}
	if (r == 0 && sha256 != NULL)
		r = sha256_get(sums, sha256);
	hash_stream_free(h);
	sha256_free(sums);
	free(chunk);
	if (r == -ESTALE)
		err_set(err, r, "the bytes of the file are not those that were stored");
	else if (r < 0)
		err_set(err, r, "cannot read the file: %s", strerror(-r));
	return r;
}

void
store_file_close(struct store_file *f)
{
	if (f == NULL)
		return;
	close(f->fd);
	free(f);
}

/* -- all there are -------------------------------------------------------- */

static int
next_partition(struct store *st, uint64_t after, uint64_t *ret_id, char name[STORE_NAME_MAX + 1])
{
	struct partition_row row;
	struct kv_txn *txn;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_next_partition(txn, after, ret_id, &row);
	if (r > 0)
		snprintf(name, STORE_NAME_MAX + 1, "%s", row.name);
	kv_abort(txn);
	return r;
}

int
each_instance(struct store *st, int (*fn)(void *ctx, const char *partition, const struct instance_info *info), void *ctx,
	      struct err *err)
{
	char partition[STORE_NAME_MAX + 1];
	struct store_scope scope = { .partition = partition };
	struct instance_info info;
	struct store_scan *scan;
	uint64_t id = 0;
	int r, told = 0;

	while ((r = next_partition(st, id, &id, partition)) > 0) {
		r = store_scan_open(st, &scope, &scan, NULL, err);
		if (r < 0)
			return r;
		while (told == 0 && (r = store_scan_next(scan, &info, err)) > 0)
			told = fn(ctx, partition, &info);
		store_scan_close(scan);
		if (r < 0 || told != 0)
			return told == 0 ? r : told < 0 ? err_set(err, told, "cannot read an instance: %s", strerror(-told)) : told;
	}
	return r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : 0;
}
