#include "tests/unit/ingest.h"

#include <stdio.h>
#include <stdlib.h>

int
accept_sample(struct store *st, const struct sample *s, const struct ingest_options *options,
	      struct ingest_result *result, struct ticket **ret_ticket, struct err *err)
{
	unsigned char *bytes = malloc(SAMPLE_MAX + s->pixels);
	struct incoming *in = NULL;
	int r;

	r = incoming_new(st, &in, err);
	if (r == 0)
		r = incoming_write(in, bytes, make_dicom(s, bytes), err);
	free(bytes);
	if (r == 0)
		r = incoming_accept(in, options, result, ret_ticket, err);
	if (r < 0)
		incoming_free(in);
	return r;
}

int
ingest_sample(struct store *st, const struct sample *s, const struct ingest_options *options,
	      struct ingest_result *result, struct err *err)
{
	struct ticket *t;
	int r = accept_sample(st, s, options, result, &t, err);

	return r < 0 ? r : ticket_wait(t, result, err);
}

static void
show_finding(void *ctx, enum check_finding finding, const char *what, bool repaired)
{
	(void)ctx;
	(void)repaired;
	printf("# finding %d: %s\n", (int)finding, what);
}

bool
store_is_clean(struct store *st)
{
	const struct check_options o = { .verify = true, .report = show_finding };
	struct check_totals totals;
	struct err err = { 0 };
	int r = store_check(st, &o, &totals, &err);

	if (r < 0)
		printf("# check: %s\n", err_text(&err));
	return r == 0 && totals.findings == 0;
}
