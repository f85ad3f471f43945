/* The committer: makes durable together whatever was accepted since its last round.
 *
 * One round runs at a time.  Who waits for a commit runs it (waking another thread for it would
 * cost a small instance more than its round's work); a thread of the committer's own
 * runs those nobody waits for, and first describes what was accepted for the mount (describe.c): who copies
 * a folder has one file described while the next comes in.
 * They begin when the first of them is LINGER old: a folder that is copied into the mount
 * has some files in each round then, not one, and who copies it has more of the processor.
 *
 * Order of effects.  Each holds after every step, also if we are killed there;
 * the numbers are those tests/fault names.
 *
 *  (1) No row names bytes that are not durable: blob_sync comes before the transaction,
 *      or the transaction holds the bytes themselves (journal.c).
 *  (2) An instance's row, index entries, counts and feed entry appear in one transaction.
 *  (3) A row is findable from its commit on: until the file has its public
 *      name, readers find it by its staging name (retrieve.c).
 *  (4) What lies in staging when a store is opened has a row (it gets its
 *      name), or was accepted (its name says so: ingested again), or neither
 *      (removed).  Only staging is looked at (recover.c).
 *  (5) An acknowledged instance survives kill -9 and power loss; one whose
 *      accept returned with survive_kill survives kill -9 at once, by (4).
 *  (6) A row that goes leaves a reclaim entry in the same transaction; its
 *      file is removed after the commit, or when the store is opened next.
 *
 * Files get their names, and removed ones go (reclaim.c), while the writer's lock of
 * the index is held: no other process can then replace or delete the same
 * instance between our look at its row and our rename.  These are
 * the only blob operations inside a write transaction, and none of them syncs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "store/internal.h"

/* -- one round ------------------------------------------------------------ */

static int
put_job(struct catalog_batch *batch, struct job *job)
{
	struct instance_row row = job->row;
	struct catalog_entry e = {
		.partition = job->partition,
		.study_uid = job->result.identity.study_uid,
		.series_uid = job->result.identity.series_uid,
		.row = &row,
		.study_attributes = buf_slice(&job->study_attributes),
		.series_attributes = buf_slice(&job->series_attributes),
		.modality = job->modality,
		.json = buf_slice(&job->json),
		.header = buf_slice(&job->header),
		.base_id = job->base_id,
		.bytes = buf_slice(&job->bytes),
		.same = (enum batch_same)job->same,
		.in_place = job->in_place,
		.now = clock_now(),
	};

	row.attributes = buf_slice(&job->instance_attributes);
	return batch_put(batch, &e, &job->put);
}

struct commit {
	struct job **jobs;
	size_t n;
};

static int
put_jobs(void *ctx, struct catalog_batch *batch)
{
	const struct commit *c = ctx;
	size_t i;
	int r = 0;

	for (i = 0; i < c->n && r == 0; i++) {
		c->jobs[i]->put_error = r = put_job(batch, c->jobs[i]);
		if (r == -EEXIST)
			r = 0;
	}
	if (r == 0)
		step(STEP_WRITTEN);
	return r;
}

/* One transaction for all of them.  Each gets its put_error (0 or -EEXIST). */
static int
commit_jobs(struct store *st, struct job **jobs, size_t n)
{
	struct commit c = { jobs, n };

	return batch_update(st->kv, put_jobs, &c);
}

/* Is this still the version the row names?  Somebody may have replaced or removed it. */
static bool
is_current(struct kv_txn *txn, const struct job *job)
{
	struct instance_row row;

	return catalog_instance(txn, job->put.path.series, job->put.path.instance, &row) == 0 &&
	       row.stage == job->stage;
}

static void
publish_jobs(struct store *st, struct job **jobs, size_t n)
{
	char stage[BLOB_STAGE_MAX], name[BLOB_NAME_MAX];
	struct partition_row partition;
	struct kv_txn *txn;
	size_t i;
	int r;

	r = kv_begin(st->kv, KV_WRITE, &txn);
	if (r < 0) {
		/* Readers find the files in staging, the next start renames them. */
		log_error("commit: files stay in staging count=%zu error=%s", n, strerror(-r));
		return;
	}
	for (i = 0; i < n; i++) {
		struct job *job = jobs[i];

		if (job->in_place)
			continue;
		row_stage_name(stage, job->stage, job->row.flags, job->partition);
		if (job->put_error < 0 || job->put.outcome == BATCH_UNCHANGED || !is_current(txn, job)) {
			blob_stage_remove(st->blobs, stage);
			continue;
		}
		/* Its own spelling: a door may have used another case. */
		r = catalog_partition(txn, job->put.path.partition, &partition);
		if (r < 0)
			continue;
		instance_name(name, partition.name, job->result.identity.study_uid,
			      job->result.identity.series_uid, job->result.identity.sop_uid);
		r = blob_publish(st->blobs, stage, name);
		if (r < 0)
			log_error("commit: file stays in staging stage=%s error=%s", stage, strerror(-r));
		step(STEP_PUBLISHING);
	}
	kv_abort(txn);
}

static void
fail_job(struct store *st, struct job *job, int error)
{
	char stage[BLOB_STAGE_MAX];

	job->error = err_set_dicom(&job->err, error, REASON_PROCESSING, 0, "cannot store: %s", strerror(-error));
	if (job->in_place)
		return;
	if (job->accepted) {
		/* Its writer was told that all is well: keep the bytes for the next start. */
		log_error("commit: accepted file waits in staging for the next start sop=%s error=%s",
			  job->result.identity.sop_uid, strerror(-error));
		return;
	}
	row_stage_name(stage, job->stage, job->row.flags, job->partition);
	blob_stage_remove(st->blobs, stage);
}

static void
settle(struct store *st, struct job *job)
{
	if (job->put_error < 0) {
		job->error = err_set_dicom(&job->err, job->put_error, REASON_EXISTS, 0,
					   "the instance exists already");
		st->refused++;
		return;
	}
	if (job->put.base_was_other)
		base_cache_forget(st->bases, job->partition, job->result.identity.study_uid,
				  job->result.identity.series_uid);
	job->result.outcome = (enum ingest_outcome)job->put.outcome;
	job->result.id = job->put.path.instance;
	job->result.watermark = job->put.watermark;
	job->sequence = job->put.sequence;
	if (job->put.outcome != BATCH_UNCHANGED)
		st->committed++;
}

/* What is not settled now is tried again a while later. */
static void
settle_journal(struct store *st)
{
	if (journal_settle(st) == 0)
		st->journaled = 0;
}

/* Those whose describing was left to us. */
static int
describe_jobs(struct store *st, struct job **jobs, size_t n)
{
	struct err err;
	size_t i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		if (!jobs[i]->described_later)
			continue;
		r = jobs[i]->describe_error;	/* this is another try */
		if (r == 0)
			r = job_describe(jobs[i], &err);
		if (r == 0)
			r = job_compress(st, jobs[i], &err);
		jobs[i]->describe_error = r;
		jobs[i]->described_later = r < 0;
	}
	return r;
}

static void
run_round(struct store *st, struct job **jobs, size_t n)
{
	int fds[ROUND_MAX] = { -1 };
	size_t i, n_fds = 0;
	bool replaced = false;
	int r;

	r = describe_jobs(st, jobs, n);
	if (r == 0)
		r = journal_load(jobs, n);
	for (i = 0; i < n; i++)
		if (!jobs[i]->synced && jobs[i]->bytes.len == 0)
			fds[n_fds++] = jobs[i]->fd;	/* repaired files, too: they may be young */
	if (r == 0)
		r = blob_sync(st->blobs, fds, n_fds);
	step(STEP_DURABLE);
	if (r == 0)
		r = commit_jobs(st, jobs, n);
	if (r < 0 && n > 1) {
		/* One that cannot be stored must not take the others with it. */
		for (i = 0; i < n; i++)
			run_round(st, &jobs[i], 1);
		return;
	}
	if (r < 0) {
		fail_job(st, jobs[0], r);
		return;
	}
	st->commits++;
	step(STEP_COMMITTED);
	publish_jobs(st, jobs, n);
	for (i = 0; i < n; i++) {
		settle(st, jobs[i]);
		st->journaled += jobs[i]->bytes.len;
		replaced |= jobs[i]->put_error == 0 && jobs[i]->put.outcome == BATCH_REPLACED;
	}
	if (replaced)
		reclaim_all(st);
	step(STEP_PUBLISHED);
	if (st->journaled >= JOURNAL_MAX)
		settle_journal(st);
}

/* -- the thread ----------------------------------------------------------- */

static size_t
take_round_locked(struct store *st, struct job **jobs)
{
	size_t n = 0;

	while (st->queue != NULL && n < ROUND_MAX) {
		jobs[n++] = st->queue;
		st->queue = st->queue->next;
	}
	if (st->queue == NULL)
		st->queue_end = &st->queue;
	return n;
}

/* A round, by whoever calls: one at a time, and there must be something to take. */
static void
run_one_locked(struct store *st)
{
	struct job *jobs[ROUND_MAX];
	size_t n = take_round_locked(st, jobs), i;
	uint64_t last = jobs[n - 1]->number;
	bool was_settled = st->journaled == 0;

	st->round_runs = true;
	pthread_mutex_unlock(&st->lock);
	run_round(st, jobs, n);
	for (i = 0; i < n; i++) {
		if (jobs[i]->put_error < 0)
			continue;	/* nothing else has its bytes now: ticket_wait_fd */
		close(jobs[i]->fd);
		jobs[i]->fd = -1;
	}
	pthread_mutex_lock(&st->lock);
	for (i = 0; i < n; i++)
		jobs[i]->done = true;
	st->done_number = last;
	st->n_pending -= n;
	st->round_runs = false;
	pthread_cond_broadcast(&st->done);
	if (st->queue != NULL || (was_settled && st->journaled > 0))
		pthread_cond_signal(&st->work);
	pthread_mutex_unlock(&st->lock);
	changes_wake(st);
	for (i = 0; i < n; i++)
		job_unref(st, jobs[i]);
	pthread_mutex_lock(&st->lock);
}

/* Who waits for a commit does not wait for another thread to begin it. */
static void
wait_or_run_locked(struct store *st)
{
	if (st->queue != NULL && !st->round_runs)
		run_one_locked(st);
	else
		pthread_cond_wait(&st->done, &st->lock);
}

static void
settle_locked(struct store *st)
{
	st->round_runs = true;
	pthread_mutex_unlock(&st->lock);
	settle_journal(st);
	pthread_mutex_lock(&st->lock);
	st->round_runs = false;
	pthread_cond_broadcast(&st->done);
}

static bool
is_ripe_locked(const struct store *st)
{
	return st->stopping || st->n_pending >= LINGER_JOBS ||
	       clock_monotonic() - st->queue->queued >= LINGER * INT64_C(1000000);
}

/* The committer's thread: rounds of what nobody waits for, and what the journal holds made
 * durable soon after. */
static void *
committer_main(void *ctx)
{
	struct store *st = ctx;
	struct timespec until = cond_deadline(JOURNAL_DELAY), soon;

	store_log_about(st);
	pthread_mutex_lock(&st->lock);
	while (st->queue != NULL || !st->stopping) {
		if (st->queue != NULL && !st->round_runs && is_ripe_locked(st)) {
			run_one_locked(st);
		} else if (st->queue != NULL && !st->round_runs) {
			soon = cond_deadline(LINGER);
			pthread_cond_timedwait(&st->work, &st->lock, &soon);
		} else if (!st->round_runs && st->journaled == 0) {
			pthread_cond_wait(&st->work, &st->lock);
			until = cond_deadline(JOURNAL_DELAY);
		} else if (pthread_cond_timedwait(&st->work, &st->lock, &until) == ETIMEDOUT) {
			if (!st->round_runs && st->journaled > 0)
				settle_locked(st);
			until = cond_deadline(JOURNAL_DELAY);
		}
	}
	pthread_mutex_unlock(&st->lock);
	if (st->journaled > 0)
		settle_journal(st);
	return NULL;
}

int
committer_start(struct store *st)
{
	int r = -pthread_create(&st->committer, NULL, committer_main, st);

	st->committer_runs = r == 0;
	return r;
}

void
committer_stop(struct store *st)
{
	if (!st->committer_runs)
		return;
	pthread_mutex_lock(&st->lock);
	st->stopping = true;
	pthread_cond_signal(&st->work);
	pthread_mutex_unlock(&st->lock);
	pthread_join(st->committer, NULL);
	st->committer_runs = false;
}

void
committer_queue(struct store *st, struct job *job, bool waits)
{
	pthread_mutex_lock(&st->lock);
	while (st->n_pending >= PENDING_MAX)
		wait_or_run_locked(st);
	job->number = ++st->last_number;
	job->queued = clock_monotonic();
	job->next = NULL;
	*st->queue_end = job;
	st->queue_end = &job->next;
	st->n_pending++;
	/* Others lingered for already find their round begun. */
	if (!waits && (st->queue == job || st->n_pending >= LINGER_JOBS))
		pthread_cond_signal(&st->work);
	pthread_mutex_unlock(&st->lock);
}

bool
committer_has_time(struct store *st)
{
	bool has;

	pthread_mutex_lock(&st->lock);
	has = st->n_pending < DESCRIBE_LATER_JOBS;
	pthread_mutex_unlock(&st->lock);
	return has;
}

/* -- waiting -------------------------------------------------------------- */

void
barrier(struct store *st)
{
	uint64_t number;

	pthread_mutex_lock(&st->lock);
	number = st->last_number;
	while (st->done_number < number)
		wait_or_run_locked(st);
	pthread_mutex_unlock(&st->lock);
}

void
wait_observed(struct store *st, uint64_t sequence)
{
	struct timespec until = cond_deadline(OBSERVER_WAIT);

	pthread_mutex_lock(&st->lock);
	while (st->observing && st->observed < sequence)
		if (pthread_cond_timedwait(&st->done, &st->lock, &until) != 0)
			break;
	pthread_mutex_unlock(&st->lock);
}

int
store_sync(struct store *st)
{
	struct catalog_counters c;
	struct kv_txn *txn;
	int r;

	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_get_counters(txn, &c);
	kv_abort(txn);
	if (r == 0)
		wait_observed(st, c.sequence);
	return r;
}

int
ticket_wait(struct ticket *t, struct ingest_result *result, struct err *err)
{
	return ticket_wait_fd(t, result, NULL, err);
}

int
ticket_wait_fd(struct ticket *t, struct ingest_result *result, int *ret_fd, struct err *err)
{
	struct job *job = (struct job *)t;
	struct store *st = job->store;
	int r;

	pthread_mutex_lock(&st->lock);
	while (!job->done)
		wait_or_run_locked(st);
	pthread_mutex_unlock(&st->lock);
	r = job->error;
	if (r < 0 && err != NULL)
		*err = job->err;
	if (r < 0 && ret_fd != NULL)
		*ret_fd = fcntl(job->fd, F_DUPFD_CLOEXEC, 0);
	if (result != NULL)
		*result = job->result;
	if (r == 0 && job->sequence != 0)
		wait_observed(st, job->sequence);
	job_unref(st, job);
	return r;
}

void
ticket_free(struct ticket *t)
{
	struct job *job = (struct job *)t;

	if (job == NULL)
		return;
	/* Nobody may have been told, if a wait was announced. */
	pthread_mutex_lock(&job->store->lock);
	pthread_cond_signal(&job->store->work);
	pthread_mutex_unlock(&job->store->lock);
	job_unref(job->store, job);
}
