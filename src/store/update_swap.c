/* (3) of update_run.c: one transaction. */
#include "store/update_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "catalog/external.h"

/* -EEXIST and why: what the study is to become is there already, or what is to move is not. */
static int
check_targets(struct run *w, struct kv_txn *txn, char why[200])
{
	const char *study = update_value_of(&w->input, TAG_STUDY_INSTANCE_UID),
		   *series = update_value_of(&w->input, TAG_SERIES_INSTANCE_UID),
		   *sop = update_value_of(&w->input, TAG_SOP_INSTANCE_UID);
	struct catalog_path p;
	int r;

	if (series != NULL || sop != NULL) {
		r = catalog_find_path(txn, w->input.partition, w->study_uid, w->input.series_uid,
				      sop != NULL ? w->input.sop_uid : NULL, &p);
		snprintf(why, 200, "it has no such %s", r == -ENOENT && p.series != 0 ? "instance" : "series");
		if (r < 0)
			return r == -ENOENT ? -EEXIST : r;
	}
	r = -ENOENT;

	if (study != NULL) {
		snprintf(why, 200, "study %s exists already", study);
		r = catalog_find_path(txn, w->input.partition, study, NULL, NULL, &p);
	}
	if (r == -ENOENT && series != NULL) {
		snprintf(why, 200, "series %s exists already", series);
		r = catalog_find_path(txn, w->input.partition, w->study_uid, series, NULL, &p);
	}
	if (r == -ENOENT && sop != NULL) {
		snprintf(why, 200, "instance %s exists already", sop);
		r = catalog_find_path(txn, w->input.partition, w->study_uid, w->input.series_uid, sop, &p);
	}
	return r == 0 ? -EEXIST : r == -ENOENT ? 0 : r;
}

/* Before anything is staged for nothing. */
int
update_check_first(struct run *w, char why[200])
{
	struct catalog_path p;
	struct kv_txn *txn;
	int r = kv_begin(w->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_find_path(txn, w->input.partition, w->study_uid, NULL, NULL, &p);
	r = r == -ENOENT ? 0 : r < 0 ? r : check_targets(w, txn, why);
	kv_abort(txn);
	return r;
}

/* External metadata go with the study. */
struct move_external {
	struct kv_txn *txn;
	struct external at[16];
	char texts[16][1025];
	size_t n;
	uint32_t after;
};

static int
note_external(void *ctx, const struct external *e)
{
	struct move_external *m = ctx;

	if (e->tag <= m->after || e->text.len >= sizeof m->texts[0])
		return 0;
	memcpy(m->texts[m->n], e->text.data, e->text.len);
	m->at[m->n] = (struct external){ e->tag, e->vr, slice_of(m->texts[m->n], e->text.len) };
	return ++m->n == sizeof m->at / sizeof *m->at;
}

static int
copy_external(struct kv_txn *txn, uint64_t from, uint64_t partition, uint64_t to)
{
	struct move_external m = { .txn = txn };
	size_t i;
	int r;

	do {
		m.n = 0;
		r = external_each(txn, from, note_external, &m);
		for (i = 0; i < m.n && r >= 0; i++) {
			int e = external_put(txn, partition, to, &m.at[i]);

			m.after = m.at[i].tag;
			r = e < 0 ? e : r;
		}
	} while (r > 0);
	return r;
}

struct swap {
	struct catalog_batch *batch;
	int64_t now;
	uint64_t old_study;
	uint64_t instances;
	struct buf json, original;
	bool externals_moved;
};

/* What the moved instance was first, with its whole header in s->original. */
static int
original_of(struct run *w, struct swap *s, const struct catalog_path *p, const struct catalog_rows *rows,
	    uint64_t stage, struct original *o)
{
	struct kv_txn *txn = batch_txn(s->batch);
	int r;

	buf_reset(&s->original);
	if (rows->instance.flags & INSTANCE_UPDATED) {
		r = original_get(txn, p->series, p->instance, o);
		if (r == 0)
			r = catalog_read_original(txn, &w->base, p->series, p->instance, &s->original);
	} else {
		*o = (struct original){ .row = rows->instance };
		strcpy(o->study_uid, rows->study.uid);
		strcpy(o->series_uid, rows->series.uid);
		r = catalog_read_header(txn, &w->base, p->series, p->instance, &s->original);
	}
	o->row.stage = stage;
	o->header = buf_slice(&s->original);
	return r;
}

static int
swap_one(struct run *w, struct swap *s, const struct staged *staged)
{
	struct kv_txn *txn = batch_txn(s->batch);
	struct catalog_entry e = {
		.partition = w->input.partition, .study_uid = staged->study_uid, .series_uid = staged->series_uid,
		.row = &staged->row, .study_attributes = staged->study_attributes,
		.series_attributes = staged->series_attributes, .modality = staged->modality,
		.header = staged->header, .same = BATCH_SAME_REPLACE, .update = true,
		.original_stage = staged->original_stage, .now = s->now,
	};
	struct catalog_put_result res;
	struct catalog_rows rows;
	struct catalog_path p;
	struct original original;
	bool moved;
	int r = catalog_instance_rows(txn, staged->instance, &p, &rows);

	if (r == -ENOENT || (r == 0 && rows.instance.watermark != staged->watermark))
		return 0;		/* others were there since; what they left stays */
	if (r < 0)
		return r;
	moved = strcmp(rows.study.uid, staged->study_uid) != 0 || strcmp(rows.series.uid, staged->series_uid) != 0 ||
		strcmp(rows.instance.uid, staged->row.uid) != 0;
	r = catalog_load_base(txn, &w->base, p.series);
	if (r == 0 && moved)
		r = original_of(w, s, &p, &rows, staged->original_stage, &original);
	if (r < 0)
		return r;
	buf_reset(&s->json);
	r = header_expand(staged->header, buf_slice(&w->base.json), &s->json);
	if (r < 0)
		return r;
	e.json = buf_slice(&s->json);
	e.base_id = w->base.id;
	if (moved) {
		e.moved = &original;
		e.same = BATCH_SAME_REFUSE;
	}
	r = batch_put(s->batch, &e, &res);
	if (r == 0)
		w->sequence = res.sequence;
	if (r == 0 && moved && p.study != res.path.study && !s->externals_moved) {
		r = copy_external(txn, p.study, res.path.partition, res.path.study);
		s->externals_moved = true;
	}
	if (r == 0 && moved)
		r = batch_remove(s->batch, &p, s->now, &w->sequence);
	if (r == 0)
		s->instances++;
	return r;
}

/* 0: done; 1: there are newcomers, from *ret_high of the last pass on; -EEXIST and why. */
int
update_swap(struct run *w, uint64_t high, bool last_pass, uint64_t *ret_instances, char why[200])
{
	struct swap s = { .now = clock_now() };
	struct study_row study;
	struct catalog_path p;
	struct staged staged;
	int64_t began;
	int r = batch_begin(w->st->kv, &s.batch);

	if (r < 0)
		return r;
	began = clock_monotonic();
	buf_init(&s.json, HEADER_MAX);
	buf_init(&s.original, HEADER_MAX);
	w->base.series = 0;
	rewind(w->spool);
	r = catalog_find_path(batch_txn(s.batch), w->input.partition, w->study_uid, NULL, NULL, &p);
	if (r == 0)
		r = catalog_study(batch_txn(s.batch), p.partition, p.study, &study);
	if (r == 0 && study.max_watermark >= high && !last_pass)
		r = 1;
	if (r == 0)
		r = check_targets(w, batch_txn(s.batch), why);
	if (r == -ENOENT)
		r = 0;			/* deleted meanwhile, like all that was staged */
	if (r == 0)
		while ((r = update_spool_next(w, &staged)) > 0 && (r = swap_one(w, &s, &staged)) == 0)
			;
	if (r == 0)
		r = update_put_record(w, batch_txn(s.batch), false, s.instances);
	buf_fini(&s.json);
	buf_fini(&s.original);
	if (r != 0) {
		batch_abort(s.batch);
		return r;
	}
	step(STEP_UPDATE_WRITTEN);
	*ret_instances = s.instances;
	r = batch_commit(s.batch);
	w->swap_ns = clock_monotonic() - began;
	return r;
}
