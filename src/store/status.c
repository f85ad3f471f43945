/* Counts for people and monitors. */
#include <string.h>

#include "store/internal.h"

int
store_get_status(struct store *st, struct store_status *s, struct err *err)
{
	struct catalog_counters c;
	struct partition_row row;
	struct kv_status kv;
	struct kv_range *g;
	struct kv_txn *txn;
	struct slice k, v;
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
		r = kv_range_open(txn, T_PARTITION, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);
	if (r == 0) {
		while ((r = kv_range_next(g, &k, &v)) > 0 && (r = partition_row_get(v, &row)) == 0) {
			s->partitions++;
			s->studies += row.studies;
			s->series += row.series;
			s->instances += row.instances;
			s->bytes += row.bytes;
		}
		kv_range_close(g);
	}
	if (r == 0)
		r = catalog_count(txn, T_RECLAIM, 100000, &reclaim);
	kv_abort(txn);
	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
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
