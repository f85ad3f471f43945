/* check_internal.h: what the parts of a check share. */
#ifndef STORE_CHECK_INTERNAL_H
#define STORE_CHECK_INTERNAL_H

#include "store/internal.h"

/* Waited for together. */
#define CHECK_TICKETS 256

struct check {
	struct store *st;
	const struct check_options *options;
	struct check_totals totals;
	struct ticket *tickets[CHECK_TICKETS];	/* of repaired files */
	size_t n_tickets;
	uint64_t away[STORE_TIERS];		/* files in tiers that are not there */
};

void check_report(struct check *c, enum check_finding finding, const char *what, bool repaired);
/* Index a file that no row is of, soon.  false: it cannot be. */
bool check_adopt(struct check *c, const char *name);

/* -- check_tiers.c -- */

/* The file of a name lies in a tier that is not there; row_tier: which, when that cannot be told by the name. */
void check_count_away(struct check *c, const char *name, enum store_tier row_tier);
void check_report_away(struct check *c);
/* Does the row of a file that is well tell where it lies? */
void check_row_tier(struct check *c, const char *name, const struct instance_info *info);
/* The name of an instance leads to none of its bytes: do they lie in a tier, or would they in one that is not there?
 * Then that is told. */
bool check_lost_link(struct check *c, const char *name, const struct instance_info *info);
/* What lies in tiers and no name leads to. */
int  check_tiers(struct check *c);

/* The index against itself, in one snapshot (check_index.c). */
int  check_index(struct check *c);

#endif
