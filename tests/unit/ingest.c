#include "tests/unit/ingest.h"

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
