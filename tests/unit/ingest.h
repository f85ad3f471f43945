/* ingest.h: made instances (make_dicom.h) on their way into a store, and what check says of it then. */
#ifndef TESTS_UNIT_INGEST_H
#define TESTS_UNIT_INGEST_H

#include "store/store.h"
#include "tests/unit/make_dicom.h"

/* As incoming_accept, of a new one. */
int  accept_sample(struct store *st, const struct sample *s, const struct ingest_options *options,
		   struct ingest_result *result, struct ticket **ret_ticket, struct err *err);
/* Waits for the commit, too. */
int  ingest_sample(struct store *st, const struct sample *s, const struct ingest_options *options,
		   struct ingest_result *result, struct err *err);
/* Every byte is read; what is found is printed. */
bool store_is_clean(struct store *st);

#endif
