/* Beginning a move. */
#include "store/tier_mover.h"

#include <errno.h>
#include <string.h>

#include "catalog/codec.h"

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
	struct operation_row row = { .type = OPERATION_TIER };
	struct buf input;
	int r = count_nodes(txn, b->rq, &row.total);

	buf_init(&input, TIER_INPUT_MAX);
	if (r == 0)
		r = input_put(b->rq, &input);
	row.input = buf_slice(&input);
	if (r == 0)
		r = operation_begin(txn, b->id, &row);
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

bool
tier_is_moving(struct store *st)
{
	char id[OPERATION_TEXT_MAX];
	enum operation_kind kind;

	return store_next_operation(st, 1u << STORE_OPERATION_TIER, id, &kind) == 0;
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
