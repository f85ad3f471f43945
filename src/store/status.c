/* Counts for people and monitors. */
#include <string.h>

#include "store/internal.h"

int
store_get_status(struct store *st, struct store_status *s, struct err *err)
{
	struct catalog_counters c;
	struct partition_row sums;
	struct kv_status kv;
	struct kv_txn *txn;
	uint64_t reclaim = 0;
	int r;

	*s = (struct store_status){ 0 };
	r = kv_get_status(st->kv, &kv);
	if (r == 0)
		r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	r = catalog_get_counters(txn, &c);
	if (r == 0)
		r = catalog_total(txn, &sums, &s->partitions);
	if (r == 0)
		r = catalog_count(txn, T_RECLAIM, 100000, &reclaim);
	kv_abort(txn);
	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	s->studies = sums.studies;
	s->series = sums.series;
	s->instances = sums.instances;
	s->bytes = sums.bytes;
	s->kept = sums.kept;
	memcpy(s->tiers, sums.tiers, sizeof s->tiers);
	s->tiers[STORE_HOT] = s->bytes - sums.tiers[STORE_COOL] - sums.tiers[STORE_COLD] - sums.tiers[STORE_ARCHIVE];
	s->sequence = c.sequence;
	s->map_size = kv.size;
	s->map_used = kv.used;
	s->readers = kv.readers;
	s->readers_max = kv.readers_max;
	pthread_mutex_lock(&st->lock);
	s->pending = st->n_pending + reclaim;
	pthread_mutex_unlock(&st->lock);
	s->commits = st->commits;
	s->committed = st->committed;
	s->refused = st->refused;
	return 0;
}
