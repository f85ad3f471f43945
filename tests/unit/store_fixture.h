/* store_fixture.h: a new store for each test, made instances in it, and what is found there.
 *
 * For cmocka: what fails here fails the test.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "tests/unit/ingest.h"
#include "tests/unit/scratch.h"

struct store_fixture {
	char dir[SCRATCH_MAX];
	struct store *st;
};

/* Its workspace is "ws", its service "svc". */
int store_fixture_setup(void **state);
int store_fixture_teardown(void **state);

/* A CT of the patient P1, the rest as it may be. */
struct sample sample(const char *study, const char *series, const char *sop);
/* As ingest_sample. */
int ingest(struct store *st, const struct sample *s, enum ingest_same same, const char *partition,
	   struct ingest_result *result, struct err *err);
/* Into the default partition, in the place of what has its UIDs.  Returns its id. */
uint64_t put_sample(struct store *st, struct sample s);

/* A match of store_search, to a struct buf, with a space between two. */
int append(void *ctx, struct slice dataset);
/* The values of one tag in all matches, newest first, a space after each.  Good until the next call. */
const char *search_for(struct store *st, struct search s, uint32_t tag);
/* "GGGGEEEE VR TEXT;" of each value that store_put_external put there.  Likewise. */
const char *externals_of(struct store *st, uint64_t study);

#endif
