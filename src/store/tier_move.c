/* Moving instances between tiers: an operation, a page of instances a step.
 *
 * Order of effects; each holds after every step, also if we are killed there or the power fails (tests/fault/tier strikes).
 * At no moment is a name without its bytes, and a reader that has them open keeps them.
 *
 *  (1) copy	Each file that is to move is copied to where it is to be, aside, or to hot into staging.  All of them
 *		are synced, read again from the disk, and compared with the hashes of their rows.  After a kill the
 *		next step removes what is aside.
 *  (2) place	Under the writer's lock, if its row is still what was copied, each copy gets its name in its tier.
 *		Then they are synced.  Nobody is led to them; who replaces or deletes the instance from here on
 *		removes them (reclaim.c).
 *  (3) lead	Under the writer's lock, if its row is still that, each name becomes a link to its
 *		copy, or in hot the copy itself, by a rename.  Then the directories of the names are synced.
 *  (4) write	One transaction: the rows tell their tiers, the record of the operation how far it is, and what lies
 *		in a tier that was left gets a reclaim entry.  Who finds (3) done and not (4) does only (4).
 *  (5) drop	What was in the tiers that were left is removed (reclaim.c).
 *
 * Two of them never run at a time: whoever works on operations holds a lock (ops/runner.c).
 */
#include "store/tier.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "catalog/codec.h"
#include "store/operations_internal.h"
#include "store/tiers_internal.h"

/* Instances of a page: files open at a time. */
#define PAGE 64
/* Of these, renamed while the writer's lock is held once: the directory of a tier may be slow. */
#define LOCK_MAX 16
/* Bytes after which a page is full. */
#define PAGE_BYTES (256u << 20)
/* Instances that are only looked at in one step. */
#define LOOKED_MAX 4096
/* Up to this many copies are synced one by one. */
#define SYNC_EACH_MAX 4
#define CHUNK (256 << 10)
/* A page in which something is just being stored is looked at so often, with pauses of so many ms. */
#define TRIES 20
#define PAUSE_MS 10
#define INPUT_MAX (TIER_NODES_MAX * 8 + 64)

struct slot {
	struct instance_info info;
	enum store_tier to;
	unsigned at;			/* where it was found */
	char name[BLOB_NAME_MAX], own_stage[BLOB_STAGE_MAX];
	char stage[BLOB_STAGE_MAX];	/* of ours; "" none */
	int copy;			/* -1: none, or no longer */
	bool placed, led;
};

struct mover {
	struct store *st;
	const atomic_bool *stop;
	unsigned char id[OPERATION_ID_LEN];
	struct operation_row row;
	struct tier_input input;
	char input_bytes[INPUT_MAX];
	struct tier_cursor cursor;
	struct slot *slots;
	size_t n;
	uint64_t bytes;			/* of the page */
	uint64_t done;			/* instances looked at in this step */
	char why[OPERATION_WHY_MAX];	/* the first failure of this step */
	bool ended;
	bool again, last_try;		/* something was in the way: look at the page again, or say so */
	struct hash_stream *hash;
	char *chunk;
	/* The series looked at last. */
	char series_uid[UID_TEXT_MAX], partition[STORE_NAME_MAX + 1], modality[MODALITY_TEXT_MAX];
	uint64_t series;
};

/* -- records -------------------------------------------------------------- */

static int
input_put(const struct tier_request *rq, struct buf *out)
{
	size_t i;

	put_u8(out, rq->by_rules);
	put_u8(out, (uint8_t)rq->tier);
	for (i = 0; i < rq->n_nodes && !rq->by_rules; i++)
		put_u64(out, rq->nodes[i]);
	return buf_error(out);
}

int
tier_input_get(struct slice value, struct tier_input *in)
{
	struct reader r;

	reader_init(&r, value);
	in->by_rules = get_u8(&r) != 0;
	in->to = (enum store_tier)get_u8(&r);
	in->nodes = value.len >= 2 ? slice_of((const char *)value.data + 2, value.len - 2) : slice_of("", 0);
	return r.bad || (unsigned)in->to >= STORE_TIERS || in->nodes.len % 8 != 0 || value.len > INPUT_MAX ? -EIO : 0;
}

static int
cursor_put(const struct tier_cursor *c, struct buf *out)
{
	put_u64(out, c->node);
	put_u64(out, c->place.study);
	put_u64(out, c->place.series);
	put_u64(out, c->place.instance);
	put_u64(out, c->moved);
	put_u64(out, c->failed);
	put_u64(out, c->bytes);
	return buf_error(out);
}

int
tier_cursor_get(struct slice value, struct tier_cursor *c)
{
	struct reader r;

	*c = (struct tier_cursor){ 0 };
	if (value.len == 0)
		return 0;
	reader_init(&r, value);
	c->node = get_u64(&r);
	c->place.study = get_u64(&r);
	c->place.series = get_u64(&r);
	c->place.instance = get_u64(&r);
	c->moved = get_u64(&r);
	c->failed = get_u64(&r);
	c->bytes = get_u64(&r);
	return r.bad ? -EIO : 0;
}

/* -- which ---------------------------------------------------------------- */

/* Partition, series and modality of an instance.  -ENOENT: it is gone. */
static int
read_series(struct mover *m, const struct instance_info *info)
{
	struct catalog_rows rows;
	struct catalog_path p;
	struct kv_txn *txn;
	enum level level;
	int r = kv_begin(m->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_path(txn, info->id, &p, &level);
	if (r == 0 && p.series != m->series) {
		r = catalog_rows(txn, &p, &rows);
		if (r == 0) {
			m->series = p.series;
			strcpy(m->partition, rows.partition.name);
			strcpy(m->modality, rows.series.modality);
		}
	}
	kv_abort(txn);
	return r;
}

struct last_use {
	struct mover *m;
	const struct instance_info *info;
};

/* By the time the file was read last, as the file system has it: whoever read it, by whatever way.  What cannot be told is used. */
static int64_t
unused(void *ctx)
{
	const struct last_use *u = ctx;
	struct store_file *f;
	struct stat sb;
	int64_t since = 0;

	if (open_bytes(u->m->st, u->info->id, false, &f, NULL) < 0)
		return 0;
	if (fstat(store_file_fd(f), &sb) == 0)
		since = clock_now() - clock_ns(sb.st_atim);
	store_file_close(f);
	return since;
}

/* Where it is to be. */
static int
where_to(struct mover *m, const struct instance_info *info, enum store_tier *ret_to)
{
	struct last_use u = { m, info };
	struct tier_facts facts = { .age = clock_now() - info->created, .partition = m->partition, .modality = m->modality };
	const struct tier_rule *rule;
	int r = 0;

	*ret_to = m->input.to;
	if (!m->input.by_rules)
		return 0;
	r = read_series(m, info);
	if (r < 0)
		return r;
	rule = tiers_conf_match(m->st->tiers, &facts, unused, &u);
	*ret_to = rule != NULL ? rule->tier : info->tier;
	return 0;
}

/* -- (1) ------------------------------------------------------------------ */

static void
failed(struct mover *m, const struct instance_info *info, const char *why)
{
	m->cursor.failed++;
	if (m->why[0] != '\0')
		return;			/* there may be many, for the same reason */
	snprintf(m->why, sizeof m->why, "%s", why);
	log_warning("tier sop=%s state=failed error=\"%s\"", info->sop_uid, why);
}

/* Others were at it at the same moment: it may go well in the next. */
static void
busy(struct mover *m, const struct instance_info *info, const char *why)
{
	m->again = true;
	if (m->last_try)
		failed(m, info, why);
}

static void
close_slot(struct mover *m, struct slot *s)
{
	if (s->copy >= 0)
		close(s->copy);
	s->copy = -1;
	if (!s->placed && s->stage[0] != '\0')
		blob_tier_forget(m->st->blobs, s->to, s->stage);
	else if (s->placed && !s->led && s->to == STORE_HOT)
		blob_stage_remove(m->st->blobs, s->stage);
	else if (s->placed && !s->led)
		blob_tier_drop(m->st->blobs, s->name);
}

static void
close_page(struct mover *m)
{
	while (m->n > 0)
		close_slot(m, &m->slots[--m->n]);
	m->bytes = 0;
}

/* Its names, and where it is.  -ENOENT: it is gone. */
static int
find(struct mover *m, struct slot *s)
{
	struct catalog_rows rows;
	struct catalog_path p;
	struct kv_txn *txn;
	enum level level;
	int r = kv_begin(m->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_path(txn, s->info.id, &p, &level);
	if (r == 0)
		r = catalog_rows(txn, &p, &rows);
	if (r == 0 && rows.instance.watermark != s->info.watermark)
		r = -EBUSY;		/* another version by now */
	if (r == 0) {
		instance_name(s->name, rows.partition.name, rows.study.uid, rows.series.uid, rows.instance.uid);
		row_stage_name(s->own_stage, rows.instance.stage, rows.instance.flags, rows.partition.name);
	}
	kv_abort(txn);
	return r;
}

/* Has it its name yet? */
static bool
is_staged(struct mover *m, const struct slot *s)
{
	int fd;

	if (blob_stage_open(m->st->blobs, s->own_stage, &fd) < 0)
		return false;
	close(fd);
	return true;
}

/* 1: the slot is taken; 0: nothing is to be done, or it was said why not; or what ends the step. */
static int
copy_one(struct mover *m, const struct instance_info *info, enum store_tier to, struct err *err)
{
	struct slot *s = &m->slots[m->n];
	struct store_file *f = NULL;
	struct err why = { 0 };
	uint64_t stage;
	int r;

	*s = (struct slot){ .info = *info, .to = to, .copy = -1 };
	r = find(m, s);
	if (r == -EBUSY) {
		busy(m, info, "it is being replaced");
		return 0;
	}
	if (r < 0)
		return r == -ENOENT ? 0 : err_set(err, r, "cannot read the index: %s", strerror(-r));
	r = open_bytes(m->st, info->id, false, &f, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		failed(m, info, err_text(&why));
		return 0;
	}
	r = store_file_info(f)->watermark != info->watermark || is_staged(m, s) ? -EBUSY : blob_tier(m->st->blobs, s->name, &s->at);
	if (r == 0 && s->at == (unsigned)to) {
		s->led = true;		/* and then we were killed */
	} else if (r == 0) {
		r = stage_take(m->st, &stage);
		if (r == 0)
			stage_name(s->stage, stage, NULL);
		if (r == 0)
			r = blob_tier_copy(m->st->blobs, store_file_fd(f), to, s->stage, m->stop, &s->copy);
		if (r < 0)
			s->stage[0] = '\0';
	}
	store_file_close(f);
	if (r == 0) {
		m->n++;
		m->bytes += s->led ? 0 : info->size;
		step(STEP_TIER_COPIED);
		return 1;
	}
	if (r == -ECANCELED)
		return r;
	if (r == -EBUSY || r == -ENOENT) {
		busy(m, info, "it is still being stored");
		return 0;
	}
	if (r == -EIO || r == -ELOOP) {
		failed(m, info, strerror(-r));
		return 0;
	}
	return err_set(err, r, "cannot write to the tier %s: %s", store_tier_name(to), strerror(-r));
}

static int
sync_copies(struct mover *m)
{
	size_t i, n[STORE_TIERS] = { 0 };

	for (i = 0; i < m->n; i++)
		n[m->slots[i].to] += m->slots[i].copy >= 0;
	for (i = 0; i < m->n; i++) {
		const struct slot *s = &m->slots[i];

		if (s->copy < 0 || n[s->to] == 0)
			continue;
		if (n[s->to] <= SYNC_EACH_MAX ? fsync(s->copy) < 0 : syncfs(s->copy) < 0)
			return -errno;
		if (n[s->to] > SYNC_EACH_MAX)
			n[s->to] = 0;	/* all of them */
	}
	return 0;
}

/* 0: it is what the row has; -EBADMSG. */
static int
verify(struct mover *m, const struct slot *s)
{
	unsigned char hash[HASH_LEN];
	struct stat sb;
	uint64_t off = 0;
	ssize_t n;

	if (fstat(s->copy, &sb) < 0)
		return -errno;
	if ((uint64_t)sb.st_size != s->info.size)
		return -EBADMSG;
	/* Not what is in memory. */
	posix_fadvise(s->copy, 0, 0, POSIX_FADV_DONTNEED);
	fcntl(s->copy, F_SETFL, O_NOATIME);
	hash_stream_reset(m->hash);
	while ((n = io_pread_all(s->copy, m->chunk, CHUNK, off)) > 0) {
		hash_stream_add(m->hash, m->chunk, (size_t)n);
		off += (uint64_t)n;
	}
	if (n < 0)
		return (int)n;
	hash_stream_get(m->hash, hash);
	if (off != s->info.size || memcmp(hash, s->info.hash, HASH_LEN) != 0)
		return -EBADMSG;
	return clock_ns(sb.st_mtim) == s->info.mtime ? 0 : -ERANGE;
}

static int
verify_copies(struct mover *m)
{
	size_t i, kept = 0;
	int r;

	for (i = 0; i < m->n; i++) {
		struct slot *s = &m->slots[i];

		if (m->stop != NULL && atomic_load(m->stop))
			return -ECANCELED;
		r = s->copy >= 0 ? verify(m, s) : 0;
		if (r < 0) {
			failed(m, &s->info, r == -EBADMSG ? "its bytes are not those that were stored" :
			       r == -ERANGE ? "the file system of the tier does not keep its time" : strerror(-r));
			close_slot(m, s);
			s->name[0] = '\0';
		}
	}
	for (i = 0; i < m->n; i++)
		if (m->slots[i].name[0] != '\0')
			m->slots[kept++] = m->slots[i];
	m->n = kept;
	return 0;
}

/* -- (2), (3) ------------------------------------------------------------------ */

static bool
is_current(struct kv_txn *txn, const struct slot *s, struct catalog_path *p)
{
	struct instance_row row;
	enum level level;

	return catalog_path(txn, s->info.id, p, &level) == 0 &&
	       catalog_instance(txn, p->series, p->instance, &row) == 0 && row.watermark == s->info.watermark;
}

/* For some of the page, while the writer's lock is held. */
static int
with_lock(struct mover *m, void (*fn)(struct mover *m, struct slot *s))
{
	struct catalog_path p;
	struct kv_txn *txn;
	size_t i, end;
	int r;

	for (i = 0; i < m->n; i = end) {
		r = kv_begin(m->st->kv, KV_WRITE, &txn);
		if (r < 0)
			return r;
		for (end = i; end < m->n && end < i + LOCK_MAX; end++)
			if (!m->slots[end].led && is_current(txn, &m->slots[end], &p))
				fn(m, &m->slots[end]);
		kv_abort(txn);
	}
	return 0;
}

static void
place(struct mover *m, struct slot *s)
{
	int r = blob_tier_place(m->st->blobs, s->name, s->to, s->stage);

	s->placed = r == 0;
	if (r < 0)
		failed(m, &s->info, strerror(-r));
}

static int
place_page(struct mover *m)
{
	int r = with_lock(m, place);

	return r < 0 ? r : sync_copies(m);
}

static void
lead(struct mover *m, struct slot *s)
{
	int r;

	if (!s->placed)
		return;
	r = is_staged(m, s) ? -EBUSY : blob_tier_lead(m->st->blobs, s->name, s->to, s->stage, s->copy);
	s->led = r == 0;
	if (r == -EBUSY || r == -ENOENT)
		busy(m, &s->info, "it is still being stored");
	else if (r < 0)
		failed(m, &s->info, strerror(-r));
	step(STEP_TIER_LEADING);
}

static int
lead_page(struct mover *m)
{
	int r = with_lock(m, lead);

	/* Those that an interrupted one had led, too. */
	return r < 0 ? r : blob_sync_all(m->st->blobs);
}

/* -- (4) ------------------------------------------------------------------ */

static int
put_record(struct mover *m, struct kv_txn *txn, bool ended)
{
	struct operation_row row;
	struct buf cursor;
	int r = operation_get(txn, m->id, &row);

	if (r < 0)
		return r;
	buf_init(&cursor, 256);
	row.done += m->done;
	row.updated = clock_now();
	row.status = !ended ? OPERATION_RUNNING : m->cursor.failed > 0 ? OPERATION_FAILED : OPERATION_SUCCEEDED;
	if (m->why[0] != '\0' && row.why[0] == '\0')
		strcpy(row.why, m->why);
	if (ended && m->cursor.failed > 0) {
		char first[OPERATION_WHY_MAX];

		strcpy(first, row.why);
		snprintf(row.why, sizeof row.why, "%llu instances could not be moved: %.140s",
			 (unsigned long long)m->cursor.failed, first);
	}
	r = cursor_put(&m->cursor, &cursor);
	row.cursor = buf_slice(&cursor);
	row.input = slice_of(m->input_bytes, m->input.nodes.len + 2);
	if (r == 0)
		r = operation_put(txn, m->id, &row);
	buf_fini(&cursor);
	return r;
}

static int
write_rows(struct mover *m, struct catalog_batch *batch)
{
	struct catalog_path p;
	size_t i;
	int r = 0;

	for (i = 0; i < m->n && r == 0; i++) {
		const struct slot *s = &m->slots[i];

		if (!s->led || !is_current(batch_txn(batch), s, &p))
			continue;	/* replaced or deleted since: what was moved went with it */
		r = batch_set_tier(batch, &p, s->to);
		if (r == 0 && (s->at != STORE_HOT || s->info.tier != STORE_HOT))
			r = batch_reclaim_tiers(batch, &p);
		m->cursor.moved++;
		m->cursor.bytes += s->info.size;
	}
	return r;
}

static int
write_page(struct mover *m, bool ended)
{
	const struct tier_cursor before = m->cursor;
	struct catalog_batch *batch;
	int r, tries = 0;

	do {
		m->cursor = before;
		r = batch_begin(m->st->kv, &batch);
		if (r < 0)
			return r;
		r = write_rows(m, batch);
		if (r == 0)
			r = put_record(m, batch_txn(batch), ended);
		if (r < 0) {
			batch_abort(batch);
			return r;
		}
		step(STEP_TIER_WRITTEN);
		r = batch_commit(batch);
	} while (r == -EAGAIN && ++tries < 100);
	return r;
}

/* -- a page --------------------------------------------------------------- */

/* The node the cursor stands in.  -ENOENT: there is no more. */
static int
current_node(struct mover *m, uint64_t *ret_node)
{
	struct partition_row row;
	struct kv_txn *txn;
	int r;

	if (!m->input.by_rules) {
		if (m->cursor.node * 8 >= m->input.nodes.len)
			return -ENOENT;
		*ret_node = read_u64((const char *)m->input.nodes.data + m->cursor.node * 8);
		return 0;
	}
	*ret_node = m->cursor.node;
	if (m->cursor.node != 0)
		return 0;
	r = kv_begin(m->st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_next_partition(txn, 0, ret_node, &row);
	kv_abort(txn);
	m->cursor.node = *ret_node;
	return r > 0 ? 0 : r == 0 ? -ENOENT : r;
}

static int
next_node(struct mover *m)
{
	struct partition_row row;
	struct kv_txn *txn;
	int r;

	m->cursor.place = (struct scan_place){ 0 };
	if (!m->input.by_rules) {
		m->cursor.node++;
		return 0;
	}
	r = kv_begin(m->st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_next_partition(txn, m->cursor.node, &m->cursor.node, &row);
	kv_abort(txn);
	if (r == 0)
		m->ended = true;
	return r < 0 ? r : 0;
}

/* The cursor behind an instance in the middle of what was read from a place on. */
static int
stand_behind(struct mover *m, struct scan_place from, uint64_t instance)
{
	struct catalog_path p;
	struct kv_txn *txn;
	enum level level;
	int r = kv_begin(m->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_path(txn, instance, &p, &level);
	kv_abort(txn);
	if (r == 0)
		m->cursor.place = (struct scan_place){ p.study, p.series, instance };
	if (r == -ENOENT) {
		m->cursor.place = from;	/* it was deleted: look at the others again */
		r = 0;
	}
	return r;
}

/* Copy what of some instances is to move.  1: the page is full; 0. */
static int
copy_some(struct mover *m, struct scan_place from, const struct instance_info *infos, size_t n, struct err *err)
{
	enum store_tier to;
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = where_to(m, &infos[i], &to);
		m->done++;
		if (r == -ENOENT || (r == 0 && to == infos[i].tier))
			continue;
		if (r < 0)
			return err_set(err, r, "cannot read the index: %s", strerror(-r));
		r = tier_begin_use(m->st, to, err);
		if (r == 0)
			r = copy_one(m, &infos[i], to, err);
		if (r < 0)
			return r;
		if (i + 1 < n && (m->n == PAGE || m->bytes >= PAGE_BYTES)) {
			r = stand_behind(m, from, infos[i].id);
			return r < 0 ? r : 1;
		}
	}
	return m->n == PAGE || m->bytes >= PAGE_BYTES;
}

static int
fill_page(struct mover *m, struct err *err)
{
	struct instance_info infos[PAGE];
	struct scan_place from;
	uint64_t node = 0;
	size_t n = 0;
	int r = 0, more;

	while (r == 0 && !m->ended && m->done < LOOKED_MAX && m->n < PAGE) {
		if (m->stop != NULL && atomic_load(m->stop))
			return -ECANCELED;
		r = current_node(m, &node);
		if (r == -ENOENT) {
			m->ended = true;
			return 0;
		}
		if (r < 0)
			break;
		from = m->cursor.place;
		more = scan_from(m->st, node, &m->cursor.place, infos, PAGE - m->n, &n);
		if (more == -ENOENT)
			more = 0;	/* deleted meanwhile */
		if (more < 0) {
			r = more;
			break;
		}
		r = copy_some(m, from, infos, n, err);
		if (r < 0)
			return r;
		if (r == 0 && more == 0)
			r = next_node(m);
	}
	return r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : 0;
}

static int
move_page(struct mover *m, const struct tier_cursor *before, struct err *err)
{
	int r = fill_page(m, err);

	if (r < 0)
		return r;
	r = sync_copies(m);
	if (r < 0)
		return err_set(err, r, "cannot write to a tier: %s", strerror(-r));
	r = verify_copies(m);
	if (r < 0)
		return r;
	step(STEP_TIER_VERIFIED);
	if (m->n > 0) {
		/* Entries of what was replaced before are done by now: none takes what is led to next. */
		r = reclaim_all(m->st);
		if (r >= 0)
			r = place_page(m);
		if (r >= 0) {
			step(STEP_TIER_PLACED);
			r = lead_page(m);
		}
		if (r >= 0)
			step(STEP_TIER_LED);
	}
	if (m->again && !m->last_try) {
		m->cursor.node = before->node;
		m->cursor.place = before->place;
		m->ended = false;
		m->done = 0;
	}
	if (r >= 0)
		r = write_page(m, m->ended);
	if (r < 0)
		return err_set(err, r, "cannot write the index: %s", strerror(-r));
	step(STEP_TIER_MOVED);
	reclaim_all(m->st);
	return 0;
}

/* -- a step --------------------------------------------------------------- */

static int
read_record(struct mover *m)
{
	struct kv_txn *txn;
	int r = kv_begin(m->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = operation_get(txn, m->id, &m->row);
	if (r == 0)
		r = tier_input_get(m->row.input, &m->input);
	if (r == 0) {
		memcpy(m->input_bytes, m->row.input.data, m->row.input.len);
		m->input.nodes.data = m->input_bytes + 2;
		r = tier_cursor_get(m->row.cursor, &m->cursor);
	}
	kv_abort(txn);
	return r;
}

static int
run_step(struct mover *m, struct err *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	struct tier_cursor before;
	int tries = 0, r = read_record(m);

	if (r < 0)
		return r == -ENOENT ? r : err_set(err, r, "cannot read the index: %s", strerror(-r));
	if (operation_is_finished(&m->row))
		return 0;
	if (!store_has_tier(m->st, m->input.to) || (m->input.by_rules && !store_has_tier_rules(m->st)))
		return err_set(err, -EINVAL, STORE_TIERS_CONF " has no line any more for what was to be done");
	blob_tier_tidy(m->st->blobs);
	do {
		before = m->cursor;
		m->again = m->ended = false;
		m->done = 0;
		m->last_try = ++tries == TRIES;
		r = move_page(m, &before, err);
		close_page(m);
		if (r == 0 && m->again && !m->last_try) {
			nanosleep(&pause, NULL);
			barrier(m->st);
		}
	} while (r == 0 && m->again && !m->last_try);
	if (r == -ECANCELED)
		return 1;
	return r < 0 ? r : !m->ended;
}

/* A tier that is not there, or takes no more: the next operation may find it otherwise. */
static bool
is_final(int r)
{
	return r == -ENOMEDIUM || r == -ENOSPC || r == -EDQUOT || r == -EROFS || r == -EACCES || r == -EINVAL || r == -EBUSY;
}

int
store_tier_step(struct store *st, const char *operation, const atomic_bool *stop, struct err *err)
{
	struct mover *m = calloc(1, sizeof *m);
	struct err why = { 0 };
	int r = m == NULL ? err_set(&why, -ENOMEM, "out of memory") : operation_parse(operation, m->id);

	if (r == 0) {
		m->st = st;
		m->stop = stop;
		m->slots = calloc(PAGE, sizeof *m->slots);
		m->hash = hash_stream_new();
		m->chunk = malloc(CHUNK);
		r = m->slots != NULL && m->hash != NULL && m->chunk != NULL ? run_step(m, &why)
									    : err_set(&why, -ENOMEM, "out of memory");
	}
	if (m != NULL) {
		free(m->slots);
		hash_stream_free(m->hash);
		free(m->chunk);
	}
	free(m);
	if (is_final(r)) {
		log_error("tier operation=%s state=failed: %s", operation, err_text(&why));
		r = store_fail_operation(st, operation, err_text(&why));
	}
	if (r < 0 && err != NULL)
		*err = why;
	return r;
}

/* -- beginning one -------------------------------------------------------- */

struct begin {
	const struct tier_request *rq;
	unsigned char id[OPERATION_ID_LEN];
};

static int
count_nodes(struct kv_txn *txn, const struct tier_request *rq, uint64_t *ret_total)
{
	struct partition_row sums;
	struct catalog_rows rows;
	struct catalog_path p;
	enum level level;
	uint64_t n;
	size_t i;
	int r = 0;

	if (rq->by_rules) {
		r = catalog_total(txn, &sums, &n);
		*ret_total = sums.instances;
		return r;
	}
	for (i = 0; i < rq->n_nodes && r == 0; i++) {
		r = catalog_path(txn, rq->nodes[i], &p, &level);
		if (r == 0)
			r = catalog_rows(txn, &p, &rows);
		if (r == 0 && level < LEVEL_STUDY)
			r = -EISDIR;
		if (r == 0)
			*ret_total += level == LEVEL_STUDY ? rows.study.instances : level == LEVEL_SERIES ? rows.series.instances : 1;
	}
	return r;
}

static int
put_operation(void *ctx, struct kv_txn *txn)
{
	struct begin *b = ctx;
	struct operation_row row = { .type = OPERATION_TIER, .status = OPERATION_NOT_STARTED, .created = clock_now(),
				     .cursor = slice_of("", 0) };
	struct buf input;
	int r;

	row.updated = row.created;
	buf_init(&input, INPUT_MAX);
	r = operation_purge(txn, row.created);
	if (r == 0)
		r = count_nodes(txn, b->rq, &row.total);
	if (r == 0)
		r = input_put(b->rq, &input);
	row.input = buf_slice(&input);
	if (r == 0)
		r = operation_put(txn, b->id, &row);
	buf_fini(&input);
	return r;
}

int
store_begin_tiering(struct store *st, const struct tier_request *rq, char ret_id[OPERATION_TEXT_MAX], struct err *err)
{
	struct begin b = { .rq = rq };
	int r;

	if (st->read_only)
		return err_set(err, -EROFS, "the store is open for reading only");
	if (rq->by_rules && !store_has_tier_rules(st))
		return err_set(err, -EINVAL, STORE_TIERS_CONF " of the store has no rule");
	if (!rq->by_rules && !store_has_tier(st, rq->tier))
		return err_set(err, -EINVAL, STORE_TIERS_CONF " of the store has no line for the tier %s", store_tier_name(rq->tier));
	if (!rq->by_rules && (rq->n_nodes == 0 || rq->n_nodes > TIER_NODES_MAX))
		return err_set(err, -EINVAL, "1 to %d studies, series and instances are moved at a time", TIER_NODES_MAX);
	barrier(st);
	r = operation_new_id(b.id);
	if (r == 0)
		r = kv_update(st->kv, put_operation, &b);
	if (r == -ENOENT || r == -EISDIR)
		return err_set(err, -ENOENT, "no such study, series or instance");
	if (r < 0)
		return err_set(err, r, "cannot write the index: %s", strerror(-r));
	operation_format(b.id, ret_id);
	return 0;
}

static int
take_last(void *ctx, const struct operation *op)
{
	int64_t *when = ctx;

	if (op->kind == STORE_OPERATION_TIER && op->tier.by_rules && op->created > *when)
		*when = op->created;
	return 0;
}

int
store_last_tiering(struct store *st, int64_t *ret_when)
{
	int64_t when = 0;
	int r = store_operations(st, take_last, &when, NULL);

	if (r == 0)
		*ret_when = when;
	return r;
}

/* -- looking ahead -------------------------------------------------------- */

struct preview {
	struct mover m;
	int (*fn)(void *ctx, const struct tier_move *move);
	void *ctx;
};

static int
preview_one(void *ctx, const char *partition, const struct instance_info *info)
{
	struct preview *p = ctx;
	struct tier_move move = { .partition = partition, .info = info };
	int r = where_to(&p->m, info, &move.to);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return move.to == info->tier ? 0 : p->fn(p->ctx, &move);
}

int
store_preview_tiering(struct store *st, int (*fn)(void *ctx, const struct tier_move *move), void *ctx, struct err *err)
{
	struct preview *p = calloc(1, sizeof *p);
	int r;

	if (p == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	p->m.st = st;
	p->m.input.by_rules = true;
	p->fn = fn;
	p->ctx = ctx;
	r = store_has_tier_rules(st) ? each_instance(st, preview_one, p, err)
				     : err_set(err, -EINVAL, STORE_TIERS_CONF " of the store has no rule");
	free(p);
	return r;
}
