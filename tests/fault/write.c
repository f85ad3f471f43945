/* Fail the Nth write of the index, for every N, while instances are stored,
 * replaced and removed over memory engines: each verb either happened whole
 * or not at all, and check finds nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "blob/blob.h"
#include "catalog/catalog.h"
#include "kv/kv.h"
#include "store/internal.h"
#include "store/query_tags.h"
#include "store/store.h"
#include "tests/unit/ingest.h"

static int
store_one(struct store *st, const char *series, const char *sop, int fill)
{
	struct sample s = { .study_uid = "1.2", .series_uid = series, .sop_uid = sop, .patient_id = "P",
		.patient_name = "A^B", .modality = "CT", .pixels = 200, .fill = fill };
	struct ingest_options o = { .same = INGEST_SAME_REPLACE };
	struct ingest_result result;

	return ingest_sample(st, &s, &o, &result, NULL);
}

/* So that their entries are among what fails. */
static int
add_tags(struct store *st)
{
	static const struct query_tag_spec specs[] = {
		{ .path = "InstanceNumber", .level = "instance" }, { .path = "Rows", .level = "study" },
	};
	char operation[OPERATION_TEXT_MAX];
	int r = store_add_query_tags(st, specs, 2, operation, NULL);

	return r < 0 ? r : store_reindex_step(st, operation, 0, NULL);
}

/* Run all with the nth write failing.  Returns how many verbs failed; -1 trouble. */
static int
run(unsigned long nth)
{
	struct kv_options o = { .tables = schema_tables, .n_tables = TABLES, .create = true };
	struct store_scope study = { .study_uid = "1.2" };
	struct store_status status;
	struct blob_store *blobs;
	struct kv *mem, *kv;
	struct store *st;
	int failed = 0, present = 0, r;

	if (kv_mem_open(&o, &mem, NULL) < 0 || kv_fault_open(mem, &kv) < 0 || blob_mem_open(&blobs, NULL) < 0 ||
	    catalog_init(kv, "w", "s", STORE_DEFAULT_PARTITION, NULL) < 0 ||
	    store_open_engines(kv, blobs, &st, NULL) < 0)
		return -1;
	if (add_tags(st) < 0)
		return -1;
	kv_fault_arm(kv, nth);
	if (store_one(st, "1.2.1", "1.2.1.1", 1) == 0)
		present++;
	else
		failed++;
	if (store_one(st, "1.2.1", "1.2.1.2", 1) == 0)
		present++;
	else
		failed++;
	r = store_one(st, "1.2.1", "1.2.1.1", 2);
	failed += r < 0;
	if (r == 0 && present < 2 && failed > 0) {
		/* The first try of it failed, this one stored it. */
		if (store_get_status(st, &status, NULL) == 0)
			present = (int)status.instances;
	}
	if (store_one(st, "1.2.2", "1.2.2.1", 1) == 0)
		present++;
	else
		failed++;
	if (store_get_status(st, &status, NULL) < 0 || (int)status.instances != present) {
		printf("# %d instances, not %d\n", (int)status.instances, present);
		failed = -1;
	}
	if (failed >= 0 && !store_is_clean(st))
		failed = -1;
	if (failed >= 0) {
		r = store_delete(st, &study, NULL, NULL);
		if (r < 0 && r != -ENOENT) {
			failed++;
			/* It may be asked again. */
			kv_fault_arm(kv, 0);
			if (store_delete(st, &study, NULL, NULL) < 0)
				failed = -1;
		}
	}
	kv_fault_arm(kv, 0);
	if (failed >= 0 && (reclaim_all(st) < 0 || !store_is_clean(st) ||
			    store_get_status(st, &status, NULL) < 0 || status.instances != 0))
		failed = -1;
	store_close(st);
	return failed;
}

int
main(void)
{
	unsigned long nth;
	int r;

	/* The failures are the test: their log lines are not news. */
	log_set_level(LOG_LEVEL_ERROR);
	freopen("/dev/null", "w", stderr);
	printf("1..2\n");
	r = run(0);
	printf("%sok 1 - without failures everything is stored and deleted\n", r == 0 ? "" : "not ");
	for (nth = 1; nth < 1000; nth++) {
		r = run(nth);
		if (r < 0)
			break;
		if (r == 0 && nth > 200)
			break;
	}
	printf("%sok 2 - the nth write failed, for n = 1 to %lu\n", r < 0 ? "not " : "", nth);
	return r < 0;
}
