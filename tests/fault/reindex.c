/* kill -9 a re-index at every step, and at random moments, while instances come, are replaced and
 * go beside it: resumed, it ends with the index and the errors that the instances
 * themselves tell of, and check finds nothing.  Likewise a tag that is being deleted.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/query_tags.h"
#include "store/store.h"
#include "tests/fault/strike.h"
#include "tests/unit/ingest.h"

/* Instances that are there first, and that come beside the operation. */
#define BEFORE 48
#define DURING 24
/* Instances of one transaction: many steps to be killed at. */
#define STEP 5

/* -- instances, whose attributes follow from their numbers ----------------- */

/* Six in a series, twelve in a study; every third study is of another partition. */
struct made {
	struct sample sample;
	const char *partition;
	char study[48], series[48], sop[48], age[16], part[16], number[16];
};

static bool
has_bad_age(int i)
{
	return i % 7 == 3;
}

static void
make(int i, struct made *m)
{
	*m = (struct made){ .partition = i / 12 % 3 == 2 ? "other" : NULL };
	snprintf(m->study, sizeof m->study, "1.7.%d", i / 12);
	snprintf(m->series, sizeof m->series, "1.7.%d.%d", i / 12, i / 6);
	snprintf(m->sop, sizeof m->sop, "1.7.%d.%d.%d", i / 12, i / 6, i);
	snprintf(m->age, sizeof m->age, has_bad_age(i) ? "old" : "%03dY", i);
	snprintf(m->part, sizeof m->part, "PART%d", i);
	snprintf(m->number, sizeof m->number, "%d", i);
	m->sample = (struct sample){ .study_uid = m->study, .series_uid = m->series, .sop_uid = m->sop,
		.patient_id = "P", .modality = "CT", .age = m->age, .body_part = m->part, .number = m->number,
		.pixels = 100 };
}

static void
store_one(struct store *st, int i, int fill)
{
	struct ingest_options o = { .same = INGEST_SAME_REPLACE };
	struct ingest_result result;
	struct made m;

	make(i, &m);
	m.sample.fill = fill;
	o.partition = m.partition;
	if (ingest_sample(st, &m.sample, &o, &result, NULL) < 0)
		_exit(3);
}

static void *
bother(void *ctx)
{
	struct store_scope scope = { .study_uid = "1.7.1" };
	struct store *st = ctx;
	int i;

	for (i = 0; i < DURING; i++) {
		store_one(st, BEFORE + i, 1);
		if (i % 3 == 0)
			store_one(st, i, 2);		/* replaced */
		if (i == DURING / 2 && store_delete(st, &scope, NULL, NULL) < 0)
			_exit(3);
	}
	return NULL;
}

/* -- the child ------------------------------------------------------------ */

struct ctx {
	bool delete;			/* a tag, when the re-index has ended */
	char operation[OPERATION_TEXT_MAX];
};

static void
prepare(void *ctx, const char *dir)
{
	static const struct query_tag_spec specs[] = {
		{ .path = "PatientAge", .level = "study" }, { .path = "BodyPartExamined", .level = "series" },
		{ .path = "InstanceNumber", .level = "instance" },
	};
	struct store *st;
	struct ctx *c = ctx;
	struct err err = { 0 };
	int i;

	if (store_init(dir, NULL, NULL, &err) < 0 || store_open(dir, NULL, &st, &err) < 0)
		_exit(3);
	for (i = 0; i < BEFORE; i++)
		store_one(st, i, 1);
	if (store_add_query_tags(st, specs, 3, c->operation, &err) < 0) {
		fprintf(stderr, "%s\n", err_text(&err));
		_exit(3);
	}
	store_close(st);
}

static int
finish(struct store *st, const char *operation)
{
	int r;

	while ((r = store_reindex_step(st, operation, STEP, NULL)) > 0)
		;
	return r;
}

static void
script(void *ctx, const char *dir)
{
	struct ctx *c = ctx;
	pthread_t thread;
	struct store *st;

	log_set_level(LOG_LEVEL_ERROR);
	if (store_open(dir, NULL, &st, NULL) < 0)
		_exit(3);
	strike_arm();
	if (!c->delete && pthread_create(&thread, NULL, bother, st) != 0)
		_exit(3);
	if (finish(st, c->operation) < 0)
		_exit(3);
	if (c->delete && store_delete_query_tag(st, "InstanceNumber", NULL) < 0)
		_exit(3);
	if (!c->delete)
		pthread_join(thread, NULL);
	store_close(st);
	_exit(0);
}

/* -- what the parent expects ---------------------------------------------- */

#define ALL (BEFORE + DURING)

static uint64_t watermarks[ALL];	/* of those that are there, else 0 */

static bool
scan(struct store *st, const char *partition)
{
	struct store_scope scope = { .partition = partition };
	struct instance_info info;
	struct store_scan *s;
	int r;

	if (store_scan_open(st, &scope, &s, NULL, NULL) < 0)
		return false;
	while ((r = store_scan_next(s, &info, NULL)) > 0)
		watermarks[atoi(strrchr(info.sop_uid, '.') + 1)] = info.watermark;
	store_scan_close(s);
	return r == 0;
}

struct found {
	char uids[1000];
};

static int
add_uid(void *ctx, struct slice dataset)
{
	struct found *f = ctx;
	const char *p = memmem(dataset.data, dataset.len, "\"Value\":[\"", 10);
	size_t len = strlen(f->uids), n = p == NULL ? 0 : strcspn(p + 10, "\"");

	if (p != NULL && len + n + 2 < sizeof f->uids)
		sprintf(f->uids + len, "%.*s ", (int)n, p + 10);
	return 0;
}

/* The UIDs of one level that a value finds. */
static const char *
find(struct store *st, const char *partition, enum store_level level, uint32_t uid, uint32_t tag, const char *value)
{
	static struct found f;
	struct search_term term = { .tag = tag, .value = value };
	struct search s = { .level = level, .partition = partition, .terms = &term, .n_terms = 1, .tags = &uid, .n_tags = 1 };
	struct err err = { 0 };

	f.uids[0] = '\0';
	if (store_search(st, &s, add_uid, &f, &err) < 0)
		snprintf(f.uids, sizeof f.uids, "%s", err_text(&err));
	return f.uids;
}

/* Does i stand for its group of `size`?  It does when no later one with a value is there. */
static bool
stands(int i, int size, bool needs_age)
{
	int first = i / size * size, j;

	if (watermarks[i] == 0 || (needs_age && has_bad_age(i)))
		return false;
	for (j = first; j < first + size; j++)
		if (watermarks[j] > watermarks[i] && !(needs_age && has_bad_age(j)))
			return false;
	return true;
}

static bool
finds(struct store *st, const struct made *m, enum store_level level, uint32_t uid_tag, uint32_t tag, const char *value,
      bool wanted, const char *uid)
{
	const char *got = find(st, m->partition, level, uid_tag, tag, value);
	char want[64] = "";

	if (wanted)
		snprintf(want, sizeof want, "%s ", uid);
	if (strcmp(got, want) == 0)
		return true;
	return trouble("%s finds \"%.40s\", not \"%s\"", value, got, want);
}

static int
count_error(void *ctx, const struct query_tag_error *error)
{
	const char *number = strrchr(error->sop_uid, '.') + 1;

	((int *)ctx)[atoi(number)]++;
	return 0;
}

static bool
errors_fit(struct store *st, uint64_t registered)
{
	int counts[ALL] = { 0 }, i;

	if (!holds(store_query_tag_errors(st, "PatientAge", 0, 0, count_error, counts, NULL) == 0, "no errors are told"))
		return false;
	for (i = 0; i < ALL; i++)
		if (counts[i] != (has_bad_age(i) && watermarks[i] != 0 && watermarks[i] <= registered))
			return trouble("instance %d has %d errors", i, counts[i]);
	return true;
}

static bool
is_clean(struct store *st)
{
	return holds(store_is_clean(st), "check finds something");
}

static bool
store_holds(void *ctx, const char *dir)
{
	struct ctx *c = ctx;
	struct query_tag_info tag;
	struct store *st;
	struct made m;
	bool fine;
	int i;

	if (!holds(store_open(dir, NULL, &st, NULL) == 0, "it does not open"))
		return false;
	fine = is_clean(st) && holds(finish(st, c->operation) == 0, "it cannot be resumed") && is_clean(st);
	memset(watermarks, 0, sizeof watermarks);
	fine = fine && holds(scan(st, NULL) && scan(st, "other"), "it cannot be scanned");
	fine = fine && holds(store_query_tag(st, "PatientAge", &tag, NULL) == 0 && tag.state == STORE_TAG_READY,
			     "its tag is not ready");
	fine = fine && errors_fit(st, BEFORE);
	fine = fine && holds(store_enable_query_tag(st, "PatientAge", true, &tag, NULL) == 0, "it cannot be enabled");
	for (i = 0; i < ALL && fine; i++) {
		make(i, &m);
		fine = (has_bad_age(i) || finds(st, &m, STORE_STUDY, TAG_STUDY_INSTANCE_UID, 0x00101010, m.age,
						stands(i, 12, true), m.study)) &&
		       finds(st, &m, STORE_SERIES, TAG_SERIES_INSTANCE_UID, 0x00180015, m.part, stands(i, 6, false), m.series) &&
		       finds(st, &m, STORE_INSTANCE, TAG_SOP_INSTANCE_UID, TAG_INSTANCE_NUMBER, m.number,
			     watermarks[i] != 0, m.sop);
	}
	store_close(st);
	return fine;
}

static bool
tag_is_gone(void *ctx, const char *dir)
{
	struct query_tag_info tag;
	struct store *st;
	bool fine;

	(void)ctx;
	if (!holds(store_open(dir, NULL, &st, NULL) == 0, "it does not open"))
		return false;
	fine = is_clean(st) && holds(store_finish_deleted_tags(st) == 0, "a delete cannot be finished") &&
		holds(store_query_tag(st, "InstanceNumber", &tag, NULL) == -ENOENT, "the tag is there still") &&
		is_clean(st);
	store_close(st);
	return fine;
}

int
main(void)
{
	static const struct strike of_pages[] = {
		{ .step = STEP_REINDEXING, .name = "entries are written" }, { .step = STEP_REINDEXED, .name = "a page is committed" },
	};
	static const struct strike of_delete[] = { { .step = STEP_TAG_DELETING, .name = "a tag's entries are gone" } };
	struct ctx c = { .delete = false }, deletes = { .delete = true };
	const struct victim v = { .dir = "reindex", .prepare = prepare, .script = script, .look = store_holds, .ctx = &c },
		deleting = { .dir = "reindex", .prepare = prepare, .script = script, .look = tag_is_gone, .ctx = &deletes };
	int failed, number = 0;

	log_set_level(LOG_LEVEL_ERROR);
	printf("1..4\n");
	failed = strike_at(&v, of_pages, 2, &number);
	failed += strike_at(&deleting, of_delete, 1, &number);
	failed += strike_at_random(&v, 20, 60000, &number);
	return failed != 0;
}
