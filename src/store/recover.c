/* What a killed process left behind (invariants (4) and (6) of committer.c), and,
 * through journal_restore, a power cut.
 *
 * Staged files of dead owners:
 *	a row names it			-> it gets its public name, or that of an original
 *	accepted, no row		-> ingested again, under a number of ours
 *	received only			-> removed
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/internal.h"

struct recovery {
	struct store *st;
	unsigned published, ingested, removed;
};

int
publish_original(struct store *st, struct kv_txn *txn, uint64_t instance, uint64_t stage)
{
	char staged[BLOB_STAGE_MAX], name[BLOB_NAME_MAX];
	struct catalog_rows rows;
	struct catalog_path p;
	struct original o;
	int r = catalog_instance_rows(txn, instance, &p, &rows);

	if (r == 0)
		r = original_get(txn, p.series, p.instance, &o);
	if (r == 0 && o.row.stage != stage)
		r = -ENOENT;
	if (r < 0)
		return r;
	stage_name(staged, stage, NULL);
	original_name(name, rows.partition.name, rows.study.uid, rows.series.uid, rows.instance.uid);
	r = blob_publish(st->blobs, staged, name);
	if (r < 0)
		return r;
	/* Two names of the same file stay two. */
	blob_stage_remove(st->blobs, staged);
	return staged_del(txn, stage);
}

static int
publish_if_original(struct store *st, uint64_t stage)
{
	struct kv_txn *txn;
	uint64_t instance;
	int r = kv_begin(st->kv, KV_WRITE, &txn);

	if (r < 0)
		return r;
	r = staged_get(txn, stage, &instance);
	if (r == 0)
		r = publish_original(st, txn, instance, stage);
	if (r == 0)
		return kv_commit(txn);
	kv_abort(txn);
	return r;
}

/* Entries of files that had got their names when their process was killed. */
static int
forget_named(void *ctx, struct kv_txn *txn)
{
	struct store *st = ctx;
	uint64_t gone[256];
	char staged[BLOB_STAGE_MAX];
	struct kv_range *g;
	struct slice k, v;
	size_t n, i;
	int fd, r;

	do {
		n = 0;
		r = kv_range_open(txn, T_STAGED, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);
		if (r < 0)
			return r;
		while (n < sizeof gone / sizeof *gone && (r = kv_range_next(g, &k, &v)) > 0) {
			stage_name(staged, read_u64(k.data), NULL);
			if (blob_stage_open(st->blobs, staged, &fd) == 0)
				close(fd);
			else
				gone[n++] = read_u64(k.data);
		}
		kv_range_close(g);
		for (i = 0; i < n && r >= 0; i++)
			r = staged_del(txn, gone[i]);
	} while (r >= 0 && n > 0);
	return r < 0 ? r : 0;
}

static int
tidy_staged(struct store *st)
{
	struct kv_txn *txn;
	uint64_t n = 0;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_count(txn, T_STAGED, 1, &n);
	kv_abort(txn);
	return r < 0 || n == 0 ? r : kv_update(st->kv, forget_named, st);
}

/* The instance whose bytes these are, if a row of this very stage exists. */
static int
publish_if_named(struct store *st, const char *stage_file, uint64_t stage, const char *partition,
		 const struct dicom_identity *id)
{
	struct instance_row row;
	char name[BLOB_NAME_MAX];
	struct catalog_path p;
	struct kv_txn *txn;
	int r;

	r = kv_begin(st->kv, KV_WRITE, &txn);
	if (r < 0)
		return r;
	r = catalog_find_path(txn, partition, id->study_uid, id->series_uid, id->sop_uid, &p);
	if (r == 0)
		r = catalog_instance(txn, p.series, p.instance, &row);
	if (r == 0 && row.stage != stage)
		r = -ENOENT;
	if (r == 0) {
		instance_name(name, partition, id->study_uid, id->series_uid, id->sop_uid);
		r = blob_publish(st->blobs, stage_file, name);
	}
	kv_abort(txn);
	return r;
}

/* A received file's name does not say its partition: try each. */
static int
publish_in_any(struct store *st, const char *stage_file, uint64_t stage, const struct dicom_identity *id)
{
	struct partition_row row;
	struct kv_txn *txn;
	uint64_t partition = 0;
	int r;

	do {
		r = kv_begin(st->kv, KV_READ, &txn);
		if (r < 0)
			return r;
		r = catalog_next_partition(txn, partition, &partition, &row);
		kv_abort(txn);
		if (r > 0)
			r = publish_if_named(st, stage_file, stage, row.name, id);
		else if (r == 0)
			return -ENOENT;
	} while (r == -ENOENT);
	return r;
}

static int
ingest_again(struct store *st, const char *stage_file, const char *partition)
{
	struct ingest_options o = {
		.partition = partition, .same = INGEST_SAME_REPLACE,
		.survive_kill = true,
	};
	struct ingest_result result;
	struct incoming *in;
	struct ticket *t;
	struct err err = { 0 };
	int r;

	r = incoming_adopt(st, stage_file, &in);
	if (r < 0)
		return r;
	o.rules = incoming_kept_rules(in);
	r = incoming_accept(in, &o, &result, &t, &err);
	if (r < 0) {
		store_record_refusal(st, "recovery", stage_file, &result, &err);
		incoming_free(in);
		return r;
	}
	return ticket_wait(t, NULL, NULL);
}

static int
recover_one(void *ctx, const char *stage_file, uint64_t owner, bool alive)
{
	struct recovery *rc = ctx;
	struct store *st = rc->st;
	char partition[STORE_NAME_MAX + 1];
	struct dicom_identity id;
	struct dicom *d = NULL;
	uint64_t stage;
	int fd, r;

	if (alive || owner == st->owner || stage_parse(stage_file, &stage, partition) < 0)
		return 0;
	if (partition[0] == '\0' && publish_if_original(st, stage) == 0) {
		rc->published++;
		return 0;
	}
	r = blob_stage_open(st->blobs, stage_file, &fd);
	if (r == -ELOOP)
		blob_stage_remove(st->blobs, stage_file);	/* a link that was to lead to a tier (tier_move.c) */
	if (r < 0)
		return 0;
	r = dicom_read_fd(fd, &d, NULL);
	close(fd);
	if (r == 0)
		r = dicom_identify(d, VALIDATE_PLAIN, NULL, &id, NULL);
	dicom_free(d);
	if (r == 0)
		r = partition[0] != '\0' ? publish_if_named(st, stage_file, stage, partition, &id)
					 : publish_in_any(st, stage_file, stage, &id);
	if (r == 0) {
		rc->published++;
		return 0;
	}
	if (partition[0] != '\0') {
		if (ingest_again(st, stage_file, partition) == 0)
			rc->ingested++;
		return 0;
	}
	blob_stage_remove(st->blobs, stage_file);
	rc->removed++;
	return 0;
}

/* One process at a time looks after the dead. */
static int
lock_recovery(struct store *st, struct err *err)
{
	char path[4096];
	int lock, r;

	snprintf(path, sizeof path, "%s/staging/recovery.lock", st->path);
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (lock < 0 || flock(lock, LOCK_EX) < 0) {
		r = err_set(err, -errno, "cannot lock %s: %s", path, strerror(errno));
		if (lock >= 0)
			close(lock);
		return r;
	}
	return lock;
}

int
recover(struct store *st, struct err *err)
{
	struct recovery rc = { .st = st };
	int lock = -1, r;

	if (st->path != NULL) {
		lock = lock_recovery(st, err);
		if (lock < 0)
			return lock;
	}
	r = journal_restore(st);
	if (r == 0)
		r = blob_walk_staging(st->blobs, recover_one, &rc);
	if (r == 0)
		r = tidy_staged(st);
	if (r == 0)
		r = blob_tidy_staging(st->blobs);
	if (r == 0)
		r = reclaim_all(st);
	if (lock >= 0)
		close(lock);
	if (r < 0)
		return err_set(err, r, "cannot recover what a killed process left: %s", strerror(-r));
	if (rc.published + rc.ingested + rc.removed > 0)
		log_info("recovered after a kill named=%u ingested=%u dropped=%u", rc.published, rc.ingested,
			 rc.removed);
	return 0;
}

static int
is_accepted_elsewhere(void *ctx, const char *stage_file, uint64_t owner, bool alive)
{
	(void)ctx;
	(void)owner;
	return alive && strchr(stage_file, '@') != NULL;
}

void
wait_for_others(struct store *st)
{
	int64_t until = clock_monotonic() + (int64_t)OTHERS_WAIT * 1000000;
	struct timespec pause = { .tv_nsec = 1000000 };

	while (blob_walk_staging(st->blobs, is_accepted_elsewhere, NULL) > 0 && clock_monotonic() < until)
		nanosleep(&pause, NULL);
}
