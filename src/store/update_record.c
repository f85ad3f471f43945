/* The operation's record of an update: what it reads there when it goes on, and how far it tells that it is. */
#include "store/update_run.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"

int
update_tell_progress(void *ctx, struct kv_txn *txn)
{
	const struct run *w = ctx;
	struct operation_row row;
	int r = operation_get(txn, w->id, &row);

	if (r < 0)
		return r;
	row.status = OPERATION_RUNNING;
	row.updated = clock_now();
	row.done = w->done;
	row.total = w->total;
	return operation_put(txn, w->id, &row);
}

int
update_put_record(struct run *w, struct kv_txn *txn, bool failed, uint64_t instances)
{
	struct update_progress p = w->progress;
	struct operation_row row;
	struct buf cursor, input;
	int r = operation_get(txn, w->id, &row);

	if (r < 0)
		return r;
	buf_init(&cursor, UPDATE_ERRORS_TEXT_MAX + 4096);
	buf_init(&input, UPDATE_INPUT_MAX);
	p.next++;
	p.failed += failed;
	p.updated += !failed && instances > 0;
	p.instances += instances;
	p.done = w->done;
	p.errors = buf_slice(&w->errors);
	row.updated = clock_now();
	row.done = w->done;
	row.total = w->total;
	row.status = OPERATION_RUNNING;
	if (p.next == w->input.n_studies) {
		row.status = p.failed > 0 ? OPERATION_FAILED : OPERATION_SUCCEEDED;
		if (p.failed > 0)
			snprintf(row.why, sizeof row.why, "%llu of %zu studies could not be updated",
				 (unsigned long long)p.failed, w->input.n_studies);
	}
	r = update_progress_put(&p, &cursor);
	if (r == 0)
		r = update_input_put(&w->input, &input);
	row.cursor = buf_slice(&cursor);
	row.input = buf_slice(&input);
	if (r == 0)
		r = operation_put(txn, w->id, &row);
	buf_fini(&cursor);
	buf_fini(&input);
	return r;
}

/* How many instances there are to go over. */
static int
count_total(struct run *w, struct kv_txn *txn)
{
	struct catalog_rows rows;
	struct catalog_path p;
	size_t i;
	int r;

	for (i = 0; i < w->input.n_studies; i++) {
		r = catalog_find_path(txn, w->input.partition, w->input.studies[i], NULL, NULL, &p);
		if (r == 0)
			r = catalog_rows(txn, &p, &rows);
		if (r < 0 && r != -ENOENT)
			return r;
		w->total += r == 0 ? rows.study.instances : 0;
	}
	return 0;
}

int
update_read_record(struct run *w, bool *ret_finished)
{
	struct operation_row row;
	struct kv_txn *txn;
	int r = kv_begin(w->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = operation_get(txn, w->id, &row);
	if (r == 0)
		r = update_progress_get(row.cursor, &w->progress);
	if (r == 0)
		r = buf_put(&w->errors, w->progress.errors.data, w->progress.errors.len);
	if (r == 0)
		r = update_input_get(row.input, &w->input);
	if (r == 0) {
		w->progress.errors = slice_of("", 0);
		*ret_finished = operation_is_finished(&row);
		w->done = w->progress.done;
		w->total = row.total;
		if (row.status == OPERATION_NOT_STARTED)
			r = count_total(w, txn);
	}
	kv_abort(txn);
	return r;
}
