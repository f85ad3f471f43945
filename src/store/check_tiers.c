/* Check: where files lie (tier.h).  What lies in a tier that is not there is only counted: nothing is known of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/check_internal.h"
#include "store/tiers_internal.h"

/* The tier that a file would be in, as far as is known. */
static enum store_tier
tier_of(struct check *c, const char *name, enum store_tier otherwise)
{
	unsigned tier;

	return blob_tier(c->st->blobs, name, &tier) == 0 ? (enum store_tier)tier : otherwise;
}

void
check_count_away(struct check *c, const char *name, enum store_tier row_tier)
{
	c->away[tier_of(c, name, row_tier)]++;
	c->totals.away++;
}

void
check_report_away(struct check *c)
{
	char what[200 + BLOB_TIER_PATH_MAX];
	unsigned i;

	for (i = 0; i < STORE_TIERS; i++) {
		const char *dir = c->st->tiers != NULL ? c->st->tiers->dirs[i] : "";

		if (c->away[i] == 0)
			continue;
		snprintf(what, sizeof what, "%s, with %llu files: %s is not there", store_tier_name((enum store_tier)i),
			 (unsigned long long)c->away[i], dir[0] != '\0' ? dir : "its line in " STORE_TIERS_CONF);
		check_report(c, CHECK_TIER_AWAY, what, false);
	}
}

struct setting {
	uint64_t instance;
	unsigned tier;
};

static int
put_tier(void *ctx, struct catalog_batch *batch)
{
	const struct setting *s = ctx;
	struct catalog_path path;
	enum level level;
	int r = catalog_path(batch_txn(batch), s->instance, &path, &level);

	return r < 0 ? r : batch_set_tier(batch, &path, s->tier);
}

static int
set_tier(struct store *st, uint64_t instance, unsigned tier)
{
	struct setting s = { instance, tier };

	return batch_update(st->kv, put_tier, &s);
}

void
check_row_tier(struct check *c, const char *name, const struct instance_info *info)
{
	unsigned tier;
	struct instance_info now;
	bool mended = false;

	if (!store_has_tier(c->st, STORE_HOT) && info->tier == STORE_HOT)
		return;
	if (blob_tier(c->st->blobs, name, &tier) < 0 || tier == (unsigned)info->tier)
		return;
	/* It may be on its way. */
	if (instance_now(c->st, info->id, &now) < 0 || now.watermark != info->watermark || (unsigned)now.tier == tier)
		return;
	if (c->options->repair)
		mended = set_tier(c->st, info->id, tier) == 0;
	check_report(c, CHECK_TIER, name, mended);
}

bool
check_lost_link(struct check *c, const char *name, const struct instance_info *info)
{
	bool mended = false;
	unsigned tier;

	if (info->tier != STORE_HOT && blob_tier_look(c->st->blobs, info->tier) < 0) {
		c->away[info->tier]++;
		c->totals.away++;
		return true;
	}
	if (!tier_find(c->st, name, info, &tier))
		return false;
	if (c->options->repair)
		mended = tier_lead_back(c->st, name, tier) == 0 &&
			(tier == (unsigned)info->tier || set_tier(c->st, info->id, tier) == 0);
	check_report(c, CHECK_TIER, name, mended);
	return true;
}

/* -- what lies in a tier -------------------------------------------------- */

struct walk {
	struct check *check;
	unsigned tier;
};

static int
check_tier_file(void *ctx, const char *name, uint64_t size, int64_t mtime)
{
	const struct walk *w = ctx;
	struct check *c = w->check;
	char what[16 + BLOB_NAME_MAX];
	uint64_t id, watermark;
	bool mended = false;
	unsigned tier;
	int fd, r = blob_tier(c->st->blobs, name, &tier);

	(void)size;
	(void)mtime;
	if (r == 0 && tier == w->tier)
		return 0;
	r = instance_of_file(c->st, name, &id, &watermark);
	if (r < 0 && r != -ENOENT)
		return r;
	/* Nobody knows these bytes.  Beside those of an instance that has others, they are for reclaim. */
	if (r == -ENOENT && c->options->repair && blob_open(c->st->blobs, name, &fd) == -ENOENT)
		mended = tier_lead_back(c->st, name, w->tier) == 0 && check_adopt(c, name);
	snprintf(what, sizeof what, "%s: %s", store_tier_name((enum store_tier)w->tier), name);
	check_report(c, CHECK_FILE_UNKNOWN, what, mended);
	return 0;
}

int
check_tiers(struct check *c)
{
	struct walk w = { .check = c };
	int r = 0;

	if (tier_is_moving(c->st))
		return 0;
	for (w.tier = 1; w.tier < STORE_TIERS && r == 0; w.tier++)
		if (blob_tier_look(c->st->blobs, w.tier) == 0)
			r = blob_tier_walk(c->st->blobs, w.tier, check_tier_file, &w);
	return r;
}
