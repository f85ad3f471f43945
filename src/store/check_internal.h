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
};

void check_report(struct check *c, enum check_finding finding, const char *what, bool repaired);
/* The index against itself, in one snapshot (check_index.c). */
int  check_index(struct check *c);

#endif
