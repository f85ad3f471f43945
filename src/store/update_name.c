/* (4) of update_run.c: the names that everybody knows. */
#include "store/update_run.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

/* Files named while the writer's lock is held once. */
#define NAME_ROUND 256

/* Is the staged file what the index has for its UIDs? */
static bool
is_current(struct kv_txn *txn, const struct run *w, const struct staged *s, uint64_t *ret_instance)
{
	struct instance_row row;
	struct catalog_path p;

	if (catalog_find_path(txn, w->input.partition, s->study_uid, s->series_uid, s->row.uid, &p) < 0 ||
	    catalog_instance(txn, p.series, p.instance, &row) < 0)
		return false;
	*ret_instance = p.instance;
	return row.stage == s->row.stage;
}

static int
name_one(struct run *w, struct kv_txn *txn, const struct staged *s)
{
	char stage[BLOB_STAGE_MAX], name[BLOB_NAME_MAX];
	uint64_t instance;
	int r = 0;

	if (!is_current(txn, w, s, &instance)) {
		update_remove_stage(w->st, s->row.stage);
		if (s->original_stage != 0 && staged_get(txn, s->original_stage, &instance) == -ENOENT)
			update_remove_stage(w->st, s->original_stage);
		return 0;
	}
	if (s->original_stage != 0)
		r = publish_original(w->st, txn, instance, s->original_stage);
	if (r < 0 && r != -ENOENT)
		return r;
	stage_name(stage, s->row.stage, NULL);
	instance_name(name, w->input.partition, s->study_uid, s->series_uid, s->row.uid);
	r = blob_publish(w->st->blobs, stage, name);
	step(STEP_UPDATE_NAMING);
	return r;
}

/* What fails here the next start does; readers find the files in staging. */
void
update_name_files(struct run *w)
{
	struct staged s;
	struct kv_txn *txn;
	int r, n, named;

	rewind(w->spool);
	do {
		r = kv_begin(w->st->kv, KV_WRITE, &txn);
		for (n = 0; r == 0 && n < NAME_ROUND && (r = update_spool_next(w, &s)) > 0; n++) {
			named = name_one(w, txn, &s);
			if (named < 0)
				log_error("update: a file stays in staging sop=%s error=%s", s.row.uid, strerror(-named));
			r = 0;
		}
		if (r == 0 && n > 0)
			r = kv_commit(txn);
		else
			kv_abort(txn);
	} while (r == 0 && n == NAME_ROUND);
	if (r < 0)
		log_error("update: files stay in staging error=%s", strerror(-r));
}
