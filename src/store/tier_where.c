/* Where instances are to be, and what would move there. */
#include "store/tier_mover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"

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
int
tier_where_to(struct mover *m, const struct instance_info *info, enum store_tier *ret_to)
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
	int r = tier_where_to(&p->m, info, &move.to);

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
