/* The work of an update: one study at a time, all of it or nothing.
 *
 * Order of effects; each holds after every step, also if we are killed there (tests/fault/update strikes):
 *
 *  (1) stage	For every instance a new file in staging, and, for the version stored first, a second name of its
 *		bytes there.  What the index will need to know of them goes to a spool, a file without a name, so
 *		memory does not grow with the study.  Until here nothing is changed; who finds the files after a
 *		kill removes them, since no row names them (recover.c).
 *  (2) sync	All of them durable.
 *  (3) swap	One transaction: rows, index entries, originals, feed and the operation's record.
 *  (4) name	The new files get the public names, the second names those of originals.  Until then readers find
 *		them in staging, as what was just stored.  After a kill recover.c does it.
 *
 * Between (1) and (3) others may store and delete.  What was replaced or deleted since it was staged is left as
 * they made it.  What came into the study is found by its watermark: then nothing is swapped, and (1) is done for
 * the new ones.  After PASSES of that, those that still come are not waited for.
 */
#include "store/update.h"
#include "store/update_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* How often newcomers are gone after. */
#define PASSES 8

/* -- a study -------------------------------------------------------------- */

static int
next_watermark(struct run *w, uint64_t *ret_watermark)
{
	struct catalog_counters c;
	struct kv_txn *txn;
	int r;

	barrier(w->st);
	r = kv_begin(w->st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_get_counters(txn, &c);
	kv_abort(txn);
	*ret_watermark = c.next_watermark;
	return r;
}

static int
fail_record(void *ctx, struct kv_txn *txn)
{
	return update_put_record(ctx, txn, true, 0);
}

/* All passes up to the swap: 0 it is done, 1 the study failed; -ECANCELED, or what ends the step. */
static int
stage_and_swap(struct run *w, uint64_t *ret_instances)
{
	uint64_t low = 0, high = 0;
	char why[200] = "";
	int r = 1, pass;

	for (pass = 0; r == 1; pass++) {
		r = next_watermark(w, &high);
		if (r == 0)
			r = update_check_first(w, why);
		if (r == -EEXIST)
			break;
		if (r == 0)
			r = update_stage(w, low);
		if (r == -ENOENT)
			r = 0;
		if (r < 0)
			return r;
		if (w->n_errors > 0)
			return 1;
		if (fflush(w->spool) != 0)
			return -errno;
		if (w->n_staged > 0)
			r = blob_sync_all(w->st->blobs);
		if (r < 0)
			return r;
		step(STEP_UPDATE_STAGED);
		r = update_swap(w, high, pass + 1 >= PASSES, ret_instances, why);
		fseek(w->spool, 0, SEEK_END);
		low = high;
	}
	if (r == -EEXIST) {
		update_fail_study(w, why[0] != '\0' ? why : "what its UIDs are to be exists already");
		return 1;
	}
	return r;
}

/* 0: its outcome is recorded. */
static int
update_study(struct run *w)
{
	uint64_t instances = 0;
	int r, tries = 0;

	w->study_uid = w->input.studies[w->progress.next];
	r = update_spool_open(w);
	if (r < 0)
		return r;
	do
		r = stage_and_swap(w, &instances);
	while (r == -EAGAIN && w->n_errors == 0 && ++tries < 10 && (update_drop_staged(w), rewind(w->spool), 1) &&
	       ftruncate(fileno(w->spool), 0) == 0);
	if (r == 0) {
		step(STEP_UPDATED);
		changes_wake(w->st);
		update_name_files(w);
		reclaim_all(w->st);
		wait_observed(w->st, w->sequence);
	} else {
		update_drop_staged(w);
		if (r == 1)
			r = kv_update(w->st->kv, fail_record, w);
	}
	fclose(w->spool);
	w->spool = NULL;
	log_info("update study=%s state=%s instances=%llu swap_ms=%lld", w->study_uid, r == -ECANCELED ? "stopped" :
		 r < 0 || w->n_errors > 0 ? "failed" : "updated", (unsigned long long)instances,
		 (long long)(w->swap_ns / 1000000));
	return r;
}

/* -- a step --------------------------------------------------------------- */

static int
run_step(struct run *w)
{
	bool finished = false;
	int r = update_read_record(w, &finished);

	if (r < 0 || finished)
		return r;
	r = kv_update(w->st->kv, update_tell_progress, w);
	if (r == 0)
		r = update_study(w);
	if (r == -ECANCELED)
		return 1;
	return r < 0 ? r : w->progress.next + 1 < w->input.n_studies;
}

int
store_update_step(struct store *st, const char *operation, const atomic_bool *stop, struct err *err)
{
	struct run w = { .st = st, .stop = stop };
	int r = operation_parse(operation, w.id);

	if (r < 0)
		return err_set(err, r, "the id of an operation has 32 hexadecimal digits");
	buf_init(&w.record, UPDATE_RECORD_MAX);
	buf_init(&w.base.json, HEADER_MAX);
	buf_init(&w.errors, UPDATE_ERRORS_TEXT_MAX);
	r = run_step(&w);
	update_input_fini(&w.input);
	buf_fini(&w.errors);
	buf_fini(&w.record);
	buf_fini(&w.base.json);
	return r < 0 ? err_set(err, r, "cannot update: %s", strerror(-r)) : r;
}
