#include "store/external.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "catalog/external.h"
#include "dicom/number.h"
#include "dicom/vr_rules.h"
#include "store/internal.h"

/* -- what may be set ------------------------------------------------------ */

/* Those whose texts vr_check_minimum knows; the numbers have their ranges. */
static const struct rule {
	uint16_t vr;
	bool number, whole;
	double low, high;
} rules[] = {
	{ VR('A', 'E'), false, false, 0, 0 }, { VR('A', 'S'), false, false, 0, 0 }, { VR('C', 'S'), false, false, 0, 0 },
	{ VR('D', 'A'), false, false, 0, 0 }, { VR('D', 'T'), false, false, 0, 0 }, { VR('I', 'S'), false, false, 0, 0 },
	{ VR('L', 'O'), false, false, 0, 0 }, { VR('P', 'N'), false, false, 0, 0 }, { VR('S', 'H'), false, false, 0, 0 },
	{ VR('T', 'M'), false, false, 0, 0 }, { VR('U', 'I'), false, false, 0, 0 },
	{ VR('F', 'D'), true, false, -1.7976931348623157e308, 1.7976931348623157e308 },
	{ VR('F', 'L'), true, false, -3.4028234663852886e38, 3.4028234663852886e38 },
	{ VR('S', 'L'), true, true, -2147483648.0, 2147483647.0 }, { VR('U', 'L'), true, true, 0, 4294967295.0 },
	{ VR('S', 'S'), true, true, -32768.0, 32767.0 }, { VR('U', 'S'), true, true, 0, 65535.0 },
};

static const struct rule *
rule_of(uint16_t vr)
{
	size_t i;

	for (i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i].vr == vr)
			return &rules[i];
	return NULL;
}

/* PS3.5 7.8: these odd groups are nobody's, and elements below 1000 are creators and nothing. */
static bool
is_private(uint32_t tag)
{
	uint16_t group = TAG_GROUP(tag);

	return (group & 1) != 0 && group > 0x0008 && group != 0xFFFF && TAG_ELEMENT(tag) >= 0x1000;
}

static bool
is_utf8(const char *text, size_t len)
{
	size_t n;

	for (; len > 0; text += n, len -= n) {
		n = utf8_sequence(text, len);
		if (n == 0)
			return false;
	}
	return true;
}

static const char *
check_number(const struct rule *rule, const char *text)
{
	double n;

	if (!number_parse(text, strlen(text), &n) || (rule->whole && text[strspn(text, "+-0123456789")] != '\0'))
		return rule->whole ? "not a whole number" : "not a number";
	return n < rule->low || n > rule->high ? "out of its range" : NULL;
}

int
store_check_external(const struct external_value *v, struct err *err)
{
	const struct rule *rule = rule_of(v->vr);
	size_t len = strlen(v->text);
	const char *why;

	if (!is_private(v->tag))
		return err_set_dicom(err, -EINVAL, 0, v->tag, "(%04x,%04x) is no private attribute", TAG_GROUP(v->tag),
				     TAG_ELEMENT(v->tag));
	if (rule == NULL)
		return err_set_dicom(err, -EINVAL, 0, v->tag, "(%04x,%04x): no such value representation can be set",
				     TAG_GROUP(v->tag), TAG_ELEMENT(v->tag));
	if (len > EXTERNAL_TEXT_MAX)
		why = "too long";
	else if (!is_utf8(v->text, len))
		why = "not UTF-8";
	else if (strchr(v->text, '\\') != NULL)
		why = "more than one value";
	else if (rule->number && len > 0)
		why = check_number(rule, v->text);
	else
		why = vr_check_minimum(v->vr, v->text, len);
	if (why != NULL)
		return err_set_dicom(err, -EINVAL, 0, v->tag, "(%04x,%04x): the value is %s", TAG_GROUP(v->tag),
				     TAG_ELEMENT(v->tag), why);
	return 0;
}

/* -- setting and getting -------------------------------------------------- */

static int
find_study(struct kv_txn *txn, uint64_t id, struct catalog_path *ret_path)
{
	enum level level;
	int r = catalog_path(txn, id, ret_path, &level);

	return r == 0 && level != LEVEL_STUDY ? -ENOENT : r;
}

struct put {
	uint64_t study;
	const struct external_value *values;
	size_t n;
	struct err *err;
};

static int
put_all(void *ctx, struct kv_txn *txn)
{
	const struct put *p = ctx;
	struct catalog_path path;
	struct external old;
	size_t i;
	int r = find_study(txn, p->study, &path);

	for (i = 0; i < p->n && r == 0; i++) {
		const struct external_value *v = &p->values[i];
		struct external e = { v->tag, v->vr, slice_str(v->text) };

		if (e.text.len == 0)
			continue;
		r = external_get(txn, p->study, v->tag, &old);
		if (r == 0 && old.vr != v->vr)
			return err_set_dicom(p->err, -EINVAL, 0, v->tag,
					     "(%04x,%04x) has a value of another value representation",
					     TAG_GROUP(v->tag), TAG_ELEMENT(v->tag));
		if (r == 0 || r == -ENOENT)
			r = external_put(txn, path.partition, p->study, &e);
	}
	return r;
}

int
store_put_external(struct store *st, uint64_t study_id, const struct external_value *values, size_t n,
		   struct err *err)
{
	struct err own;
	struct put p = { study_id, values, n, &own };
	size_t i;
	int r;

	err_clear(&own);
	if (st->read_only)
		return err_set(err, -EROFS, "the store is open for reading only");
	for (i = 0; i < n; i++) {
		r = store_check_external(&values[i], err);
		if (r < 0)
			return r;
	}
	barrier(st);
	r = kv_update(st->kv, put_all, &p);
	if (r < 0 && own.num != 0) {
		if (err != NULL)
			*err = own;
	} else if (r == -ENOENT)
		err_set(err, r, "no such study");
	else if (r < 0)
		err_set(err, r, "cannot write the index: %s", strerror(-r));
	return r;
}

struct get {
	int (*fn)(void *ctx, const struct external_value *value);
	void *ctx;
};

static int
tell(void *ctx, const struct external *e)
{
	struct get *g = ctx;
	char text[EXTERNAL_TEXT_MAX + 1];
	struct external_value v = { e->tag, e->vr, text };

	if (e->text.len > EXTERNAL_TEXT_MAX)
		return -EIO;
	memcpy(text, e->text.data, e->text.len);
	text[e->text.len] = '\0';
	return g->fn(g->ctx, &v);
}

int
store_get_external(struct store *st, uint64_t study_id,
		   int (*fn)(void *ctx, const struct external_value *value), void *ctx, struct err *err)
{
	struct get g = { fn, ctx };
	struct catalog_path path;
	struct kv_txn *txn;
	int r;

	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r == 0) {
		r = find_study(txn, study_id, &path);
		if (r == 0)
			r = external_each(txn, study_id, tell, &g);
		kv_abort(txn);
	}
	if (r == -ENOENT)
		return err_set(err, r, "no such study");
	return r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : r;
}

/* -- rebuilding ----------------------------------------------------------- */

#define RUN 64				/* values of a study that are set in one transaction */

struct run {
	struct store *st;
	struct kv_txn *old;
	uint64_t old_study, study;	/* 0: not there */
	struct external_value values[RUN];
	char texts[RUN][EXTERNAL_TEXT_MAX + 1];
	size_t n;
};

static int
flush_run(struct run *run, struct err *err)
{
	int r = run->n > 0 && run->study != 0 ? store_put_external(run->st, run->study, run->values, run->n, err) : 0;

	run->n = 0;
	return r;
}

/* The study of another index, by its names. */
static uint64_t
same_study(struct store *st, struct kv_txn *old, uint64_t id)
{
	struct store_node n, partition, study;

	if (node_read(old, id, &n) < 0 || node_read(old, n.parent, &partition) < 0 ||
	    store_find_partition(st, partition.name, &partition) < 0 || store_lookup(st, partition.id, n.name, &study) < 0)
		return 0;
	return study.id;
}

static int
restore_one(struct run *run, uint64_t old_study, uint32_t tag, struct err *err)
{
	struct external e;
	int r = 0;

	if (run->n == RUN || old_study != run->old_study)
		r = flush_run(run, err);
	if (old_study != run->old_study) {
		run->old_study = old_study;
		run->study = same_study(run->st, run->old, old_study);
	}
	if (r < 0 || external_get(run->old, old_study, tag, &e) < 0 || e.text.len > EXTERNAL_TEXT_MAX)
		return r;
	memcpy(run->texts[run->n], e.text.data, e.text.len);
	run->texts[run->n][e.text.len] = '\0';
	run->values[run->n] = (struct external_value){ tag, e.vr, run->texts[run->n] };
	run->n++;
	return 0;
}

int
external_restore(struct store *st, struct kv *old, struct err *err)
{
	struct run *run = calloc(1, sizeof *run);
	struct kv_range *g = NULL;
	struct slice k, v;
	int r = 0;

	if (run == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	run->st = st;
	if (kv_begin(old, KV_READ, &run->old) == 0) {
		if (kv_range_open(run->old, T_EXTERNAL, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g) < 0)
			g = NULL;
		while (g != NULL && r == 0 && kv_range_next(g, &k, &v) > 0)
			if (k.len == 12)
				r = restore_one(run, read_u64(k.data), read_u32((const char *)k.data + 8), err);
		kv_range_close(g);
		if (r == 0)
			r = flush_run(run, err);
		kv_abort(run->old);
	}
	free(run);
	return r;
}
