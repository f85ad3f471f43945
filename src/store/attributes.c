/* The attributes of one study, series or instance, by its id. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "catalog/header.h"
#include "dicom/json.h"
#include "store/search_internal.h"

/* Ascending, as the row is: what stands in members of its own goes where its tag belongs. */
struct own {
	uint32_t tag;
	const char *uid;		/* NULL: the modalities */
};

static void
put_own(const struct own *own, const struct match *m, struct buf *out)
{
	buf_printf(out, "%s\"%08" PRIX32 "\":", out->data[out->len - 1] == '{' ? "" : ",", own->tag);
	if (own->uid != NULL)
		search_put_uid(own->uid, out);
	else
		search_put_modalities(m->study.modalities, out);
}

static int
put_row(const struct match *m, struct buf *out)
{
	const struct own of_study[] = { { TAG_MODALITIES_IN_STUDY, NULL }, { TAG_STUDY_INSTANCE_UID, m->study.uid } };
	const struct own of_series[] = { { TAG_SERIES_INSTANCE_UID, m->series.uid } };
	bool study = m->level == LEVEL_STUDY;
	const struct own *own = study ? of_study : of_series, *end = own + (study ? 2 : 1);
	struct slice rest = study ? m->study.attributes : m->series.attributes;
	struct attribute a;

	buf_putc(out, '{');
	while (buf_error(out) == 0 && attributes_next(&rest, &a)) {
		for (; own < end && own->tag < a.tag; own++)
			put_own(own, m, out);
		if (a.json.len == 0)
			continue;	/* too large for the row */
		buf_printf(out, "%s\"%08" PRIX32 "\":", out->data[out->len - 1] == '{' ? "" : ",", a.tag);
		buf_put(out, a.json.data, a.json.len);
	}
	for (; buf_error(out) == 0 && own < end; own++)
		put_own(own, m, out);
	buf_putc(out, '}');
	return buf_error(out);
}

static int
put_attributes(struct kv_txn *txn, uint64_t id, struct match *m, struct buf *out)
{
	struct catalog_path p;
	struct hit hit;
	int r = catalog_path(txn, id, &p, &m->level);

	if (r == 0 && m->level < LEVEL_STUDY)
		r = -ENOENT;
	if (r < 0)
		return r;
	hit = (struct hit){ .study = p.study, .series = p.series, .instance = p.instance };
	match_begin(m, txn, p.partition);
	r = match_load(m, &hit);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	if (m->level < LEVEL_INSTANCE)
		return put_row(m, out);
	r = match_header(m);
	return r < 0 ? r : buf_put(out, m->header.data, m->header.len);
}

int
store_get_attributes(struct store *st, uint64_t id, struct buf *out, struct err *err)
{
	struct kv_txn *txn;
	struct match m;
	int r;

	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	match_init(&m, LEVEL_INSTANCE, false);
	r = put_attributes(txn, id, &m, out);
	kv_abort(txn);
	match_fini(&m);
	if (r == -ENOENT)
		return err_set(err, r, "no such study, series or instance");
	return r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : 0;
}
