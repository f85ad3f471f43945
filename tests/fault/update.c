/* kill -9 an update at every step, and at random moments, while instances come into its studies and go: a study is
 * as it was or as it is to be, what was stored first is there, and resumed it ends with every instance
 * updated once.  So of a first update, of a second, and of one that changes UIDs.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "dicom/dicom.h"
#include "store/update.h"
#include "tests/fault/strike.h"
#include "tests/unit/ingest.h"

#define STUDIES 3
#define EACH 6				/* instances of a study, in two series */
#define LATE 100			/* numbers of those that come meanwhile */
#define DURING 8

enum phase { FIRST, SECOND, MOVE, PHASES };

struct ctx {
	enum phase phase;
	char operation[OPERATION_TEXT_MAX];
};

/* -- instances ------------------------------------------------------------ */

static void
store_one(struct store *st, int study, int i)
{
	char study_uid[32], series_uid[32], sop_uid[32];
	struct sample s = { .study_uid = study_uid, .series_uid = series_uid, .sop_uid = sop_uid, .patient_id = "P",
		.patient_name = "Zero^Name", .modality = "CT", .pixels = 3000, .fill = i };
	struct ingest_options o = { .same = INGEST_SAME_REPLACE };
	struct ingest_result result;

	snprintf(study_uid, sizeof study_uid, "1.7.%d", study);
	snprintf(series_uid, sizeof series_uid, "1.7.%d.%d", study, i % 2);
	snprintf(sop_uid, sizeof sop_uid, "1.7.%d.%d.%d", study, i % 2, i);
	if (ingest_sample(st, &s, &o, &result, NULL) < 0)
		_exit(3);
}

static void *
bother(void *ctx)
{
	struct store_scope scope = { .study_uid = "1.7.1", .series_uid = "1.7.1.1", .sop_uid = "1.7.1.1.1" };
	struct store *st = ctx;
	int i;

	for (i = 0; i < DURING; i++) {
		store_one(st, i % STUDIES, LATE + i);
		if (i == DURING / 2 && store_delete(st, &scope, NULL, NULL) < 0)
			break;		/* it has other UIDs by now */
	}
	return NULL;
}

/* -- updates -------------------------------------------------------------- */

static void
begin(struct store *st, enum phase phase, char operation[OPERATION_TEXT_MAX])
{
	static const char *const studies[] = { "1.7.1", "1.7.2" };
	static const struct update_value values[PHASES][2] = {
		[FIRST] = { { 0x00100010, 0, "First^N\xc3\xa4me" }, { 0x00080050, 0, "A1" } },
		[SECOND] = { { 0x00100010, 0, "Second^Name of another length" } },
		[MOVE] = { { 0x0020000D, 0, "1.8.1" }, { 0x00100010, 0, "Moved^Name" } },
	};
	struct update_request rq = { .study_uids = studies, .n_studies = phase == MOVE ? 1 : 2,
		.values = values[phase], .n_values = phase == SECOND ? 1 : 2 };
	struct err err = { 0 };

	if (store_begin_update(st, &rq, operation, &err) < 0) {
		fprintf(stderr, "%s\n", err_text(&err));
		_exit(3);
	}
}

static int
finish(struct store *st, const char *operation)
{
	struct err err = { 0 };
	int r;

	while ((r = store_update_step(st, operation, NULL, &err)) > 0)
		;
	if (r < 0)
		fprintf(stderr, "%s\n", err_text(&err));
	return r;
}

/* All that is there before the update which is to be killed. */
static void
prepare(void *ctx, const char *dir)
{
	struct ctx *c = ctx;
	struct store *st;
	int study, i;

	if (store_init(dir, NULL, NULL, NULL) < 0 || store_open(dir, NULL, &st, NULL) < 0)
		_exit(3);
	for (study = 0; study < STUDIES; study++)
		for (i = 0; i < EACH; i++)
			store_one(st, study, i);
	if (c->phase != FIRST) {
		begin(st, FIRST, c->operation);
		if (finish(st, c->operation) != 0)
			_exit(3);
	}
	begin(st, c->phase, c->operation);
	store_close(st);
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
	if (pthread_create(&thread, NULL, bother, st) != 0 || finish(st, c->operation) != 0)
		_exit(3);
	pthread_join(thread, NULL);
	store_close(st);
	_exit(0);
}

/* -- what the parent expects ---------------------------------------------- */

/* The name in the bytes of a version, all of which are read. */
static bool
name_of(struct store *st, uint64_t id, bool original, char name[65])
{
	struct store_file *f;
	struct dicom *d = NULL;
	bool fine;

	if ((original ? store_open_original(st, id, &f, NULL) : store_open_file(st, id, &f, NULL)) < 0)
		return holds(false, original ? "an original cannot be opened" : "a file cannot be opened");
	fine = store_file_verify(f, NULL, NULL) == 0 && dicom_read_fd(store_file_fd(f), &d, NULL) == 0 &&
		dicom_text_first(d, 0x00100010, name, 65) > 0;
	dicom_free(d);
	store_file_close(f);
	return holds(fine, "the bytes of a version are not its");
}

struct seen {
	int instances, late;
	char name[65];			/* of all but those that came late */
};

/* One study: all of those that were there have one name, in files and metadata, and were first what they were. */
static bool
look(struct store *st, const char *study_uid, bool updated, struct seen *seen)
{
	struct store_scope scope = { .study_uid = study_uid };
	struct instance_info info;
	struct store_scan *s;
	char name[65], first[65];
	bool fine = true;
	int r;

	memset(seen, 0, sizeof *seen);
	if (store_scan_open(st, &scope, &s, NULL, NULL) < 0)
		return true;
	while (fine && (r = store_scan_next(s, &info, NULL)) > 0) {
		fine = name_of(st, info.id, false, name);
		if (atoi(strrchr(info.sop_uid, '.') + 1) >= LATE) {
			seen->late++;
			continue;
		}
		if (seen->instances++ == 0)
			strcpy(seen->name, name);
		fine = fine && holds(strcmp(seen->name, name) == 0, "a study is half updated");
		fine = fine && name_of(st, info.id, true, first) &&
			holds(strcmp(first, "Zero^Name") == 0, "an original is not what was first");
		if (updated)
			fine = fine && holds(info.updated, "an instance lacks its original");
	}
	store_scan_close(s);
	return fine;
}

/* Of each that was there, so many updates, and one life. */
static int
count(void *ctx, const struct change_entry *e)
{
	int *updates = ctx;
	int study, series, i;

	if (e->change.action == CHANGE_UPDATE && sscanf(e->change.sop_uid, "1.7.%d.%d.%d", &study, &series, &i) == 3 && i < LATE)
		updates[study * EACH + i]++;
	return 0;
}

static bool
feed_fits(struct store *st, enum phase phase)
{
	struct changes_query all = { .from = CHANGES_BY_SEQUENCE, .limit = 10000 };
	int updates[STUDIES * EACH] = { 0 }, i, wanted;

	if (!holds(store_changes(st, &all, count, updates, NULL) == 0, "the feed cannot be read"))
		return false;
	for (i = 0; i < STUDIES * EACH; i++) {
		wanted = i < EACH ? 0 : phase == FIRST ? 1 : phase == SECOND || i < 2 * EACH ? 2 : 1;
		if (updates[i] == wanted || (i == EACH + 1 && updates[i] < wanted))	/* that one was deleted */
			continue;
		return trouble("instance %d has %d updates in the feed, not %d", i, updates[i], wanted);
	}
	return true;
}

static bool
staging_is_empty(const char *dir)
{
	char command[200];

	snprintf(command, sizeof command, "test -z \"$(find %s/staging -type f ! -name '*lock')\"", dir);
	return holds(system(command) == 0, "a file is left in staging");
}

static bool
is_one_of(const char *name, const char *a, const char *b)
{
	return strcmp(name, a) == 0 || strcmp(name, b) == 0;
}

static bool
store_holds(void *ctx, const char *dir)
{
	const struct ctx *c = ctx;
	enum phase phase = c->phase;
	static const char *const before[] = { "Zero^Name", "First^N\xc3\xa4me", "First^N\xc3\xa4me" };
	static const char *const after[] = { "First^N\xc3\xa4me", "Second^Name of another length", "Moved^Name" };
	struct seen one, two, none, moved;
	struct store *st;
	bool fine;

	if (!holds(store_open(dir, NULL, &st, NULL) == 0, "it does not open"))
		return false;
	fine = staging_is_empty(dir) && holds(store_is_clean(st), "check finds something") &&
		look(st, "1.7.0", false, &none) && look(st, "1.7.1", phase != FIRST, &one) && look(st, "1.8.1", true, &moved) &&
		look(st, "1.7.2", phase != FIRST, &two);
	fine = fine && holds(one.instances == 0 || moved.instances == 0, "half of a study has other UIDs");
	if (phase == MOVE && one.instances == 0)
		one = moved;
	fine = fine && holds(one.instances >= EACH - 1 && two.instances == EACH && none.instances == EACH, "an instance is lost");
	fine = fine && holds(is_one_of(one.name, before[phase], after[phase]), "a study is neither old nor new");
	fine = fine && holds(finish(st, c->operation) == 0, "it cannot be resumed") && staging_is_empty(dir) &&
		holds(store_is_clean(st), "check finds something when resumed");
	fine = fine && look(st, phase == MOVE ? "1.8.1" : "1.7.1", true, &one) && look(st, "1.7.2", phase != MOVE, &two) &&
		look(st, "1.7.0", false, &none);
	fine = fine && holds(one.instances >= EACH - 1 && two.instances == EACH && none.instances == EACH, "an instance is lost at the end");
	fine = fine && holds(strcmp(one.name, after[phase]) == 0 && strcmp(none.name, before[0]) == 0 &&
			     strcmp(two.name, phase == MOVE ? before[phase] : after[phase]) == 0, "a study has not the new name");
	fine = fine && feed_fits(st, phase);
	store_close(st);
	return fine;
}

int
main(void)
{
	static const char *const phases[] = { "a first update", "another update", "other UIDs" };
	static const struct strike strikes[] = {
		{ .step = STEP_UPDATE_STAGING, .name = "a file is staged" }, { .step = STEP_UPDATE_STAGED, .name = "all files are staged" },
		{ .step = STEP_UPDATE_WRITTEN, .name = "rows are written" }, { .step = STEP_UPDATED, .name = "a study is committed" },
		{ .step = STEP_UPDATE_NAMING, .name = "a file gets its name" },
		{ .step = STEP_RECLAIMING, .name = "an old file is gone", .rare = true },
	};
	int failed = 0, number = 0, n = sizeof strikes / sizeof *strikes;
	struct ctx c;
	struct victim v = { .dir = "update", .prepare = prepare, .script = script, .look = store_holds, .ctx = &c };

	log_set_level(LOG_LEVEL_ERROR);
	printf("1..%d\n", (n + 1) * PHASES);
	for (c.phase = 0; c.phase < PHASES; c.phase++) {
		v.name = phases[c.phase];
		failed += strike_at(&v, strikes, (size_t)n, &number);
		failed += strike_at_random(&v, 12, 60000, &number);
	}
	return failed != 0;
}
