/* Which tier the bytes of an instance lie in (blob.h), and the sums of it.  It is no change of the instance: no feed
 * entry tells of it, and nothing gets another number or time. */
#include "catalog/batch_internal.h"

void
count_tier(struct open_series *s, const struct instance_row *row, bool more)
{
	unsigned tier = instance_row_tier(row);
	uint64_t bytes = more ? row->size : -row->size;

	if (tier == 0)
		return;
	s->row.tiers[tier] += bytes;
	s->study->row.tiers[tier] += bytes;
	s->study->partition->row.tiers[tier] += bytes;
}

int
batch_set_tier(struct catalog_batch *b, const struct catalog_path *path, unsigned tier)
{
	struct instance_row row;
	struct open_series *s;
	int r = batch_open_instance(b, path, &s, &row);

	if (r < 0)
		return r;
	count_tier(s, &row, false);
	instance_row_set_tier(&row, tier);
	count_tier(s, &row, true);
	return batch_put_instance(b, s, path->instance, &row);
}

int
batch_reclaim_tiers(struct catalog_batch *b, const struct catalog_path *path)
{
	struct instance_row row;
	struct open_series *s;
	int r = batch_open_instance(b, path, &s, &row);

	if (r < 0)
		return r;
	row.watermark = b->counters.next_watermark++;
	row.flags = RECLAIM_TIERS;
	return put_reclaim(b, s, &row, true);
}
