/* kill -9 moves between tiers at every step, and at random moments, while instances come, are replaced and go beside
 * them: at any moment all instances have their bytes, and resumed, each file is where its row says, once.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/orphans.h"
#include "store/tier.h"
#include "tests/fault/strike.h"
#include "tests/unit/ingest.h"

/* Instances that are there first; of these every third is replaced, and every fifth but those deleted; and that come. */
#define BEFORE 90
#define DURING 20

/* -- instances ------------------------------------------------------------ */

static bool
is_replaced(int i)
{
	return i % 3 == 0;
}

static bool
is_deleted(int i)
{
	return i % 5 == 0 && !is_replaced(i);
}

static void
uids(int i, char series[48], char sop[48])
{
	snprintf(series, 48, "1.7.%d", i / 30);
	snprintf(sop, 48, "1.7.%d.%d", i / 30, i);
}

static void
store_one(struct store *st, int i, int fill)
{
	struct ingest_options o = { .same = INGEST_SAME_REPLACE };
	struct ingest_result result;
	char series[48], sop[48];
	struct sample s = { .study_uid = "1.7", .series_uid = series, .sop_uid = sop, .patient_id = "P", .modality = "CT",
			    .pixels = 100 + (size_t)i, .fill = fill };

	uids(i, series, sop);
	if (ingest_sample(st, &s, &o, &result, NULL) < 0)
		_exit(3);
}

static void *
bother(void *ctx)
{
	struct store *st = ctx;
	char series[48], sop[48];
	struct store_scope scope = { .study_uid = "1.7", .series_uid = series, .sop_uid = sop };
	int i;

	for (i = 0; i < BEFORE; i++) {
		if (is_replaced(i))
			store_one(st, i, 2);
		uids(i, series, sop);
		if (is_deleted(i) && store_delete(st, &scope, NULL, NULL) < 0)
			_exit(3);
		if (i < DURING)
			store_one(st, BEFORE + i, 1);
	}
	return NULL;
}

/* -- the child ------------------------------------------------------------ */

static void
prepare(void *ctx, const char *dir)
{
	char path[256];
	struct store *st;
	FILE *f;
	int i;

	(void)ctx;
	snprintf(path, sizeof path, "%s/store", dir);
	if (store_init(path, NULL, NULL, NULL) < 0)
		_exit(3);
	snprintf(path, sizeof path, "%s/store/" STORE_TIERS_CONF, dir);
	f = fopen(path, "w");
	if (f == NULL || fprintf(f, "tier = cool %s/cool\ntier = cold %s/cold\nrule = cold\n", dir, dir) < 0 || fclose(f) != 0)
		_exit(3);
	snprintf(path, sizeof path, "%s/cool", dir);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/cold", dir);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/store", dir);
	if (store_open(path, NULL, &st, NULL) < 0)
		_exit(3);
	for (i = 0; i < BEFORE; i++)
		store_one(st, i, 1);
	store_close(st);
}

static int
finish(struct store *st, const char *id)
{
	int r;

	while ((r = store_tier_step(st, id, NULL, NULL)) > 0)
		;
	return r;
}

static void
move(struct store *st, bool by_rules, enum store_tier to)
{
	struct store_node node;
	struct tier_request rq = { .by_rules = by_rules, .tier = to, .nodes = &node.id, .n_nodes = 1 };
	char id[OPERATION_TEXT_MAX];

	if (store_find_partition(st, STORE_DEFAULT_PARTITION, &node) < 0 || store_lookup(st, node.id, "1.7", &node) < 0 ||
	    store_begin_tiering(st, &rq, id, NULL) < 0 || finish(st, id) < 0)
		_exit(3);
}

static void
script(void *ctx, const char *dir)
{
	pthread_t thread;
	struct store *st;
	char path[256];

	(void)ctx;
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(path, sizeof path, "%s/store", dir);
	if (store_open(path, NULL, &st, NULL) < 0)
		_exit(3);
	strike_arm();
	if (pthread_create(&thread, NULL, bother, st) != 0)
		_exit(3);
	move(st, true, STORE_HOT);
	move(st, false, STORE_COOL);
	move(st, false, STORE_COLD);
	move(st, false, STORE_HOT);
	pthread_join(thread, NULL);
	store_close(st);
	_exit(0);
}

/* -- what the parent expects ---------------------------------------------- */

static int seen[BEFORE + DURING];

/* Every one readable, with all of its bytes. */
static bool
scan(struct store *st)
{
	struct store_scope scope = { 0 };
	struct instance_info info;
	struct store_file *f;
	struct store_scan *s;
	bool fine = true;
	int r, i;

	memset(seen, 0, sizeof seen);
	if (store_scan_open(st, &scope, &s, NULL, NULL) < 0)
		return false;
	while (fine && (r = store_scan_next(s, &info, NULL)) > 0) {
		fine = store_open_file(st, info.id, &f, NULL) == 0;
		if (!fine)
			break;
		fine = store_file_verify(f, NULL, NULL) == 0;
		store_file_close(f);
		seen[atoi(strrchr(info.sop_uid, '.') + 1)]++;
	}
	store_scan_close(s);
	for (i = 0; i < BEFORE; i++)
		fine = fine && (seen[i] == 1 || is_deleted(i));
	for (i = 0; i < BEFORE + DURING; i++)
		fine = fine && seen[i] <= 1;
	return fine;
}

static bool
resume(struct store *st, int *ret_n)
{
	char id[OPERATION_TEXT_MAX];
	enum operation_kind kind;

	for (*ret_n = 0; store_next_operation(st, UINT32_MAX, id, &kind) == 0; ++*ret_n)
		if (kind != STORE_OPERATION_TIER || finish(st, id) != 0)
			return false;
	return true;
}

static int
count_failed(void *ctx, const struct operation *op)
{
	uint64_t *n = ctx;

	*n += op->kind == STORE_OPERATION_TIER && op->state == STORE_OPERATION_FAILED;
	if (op->why[0] != '\0')
		printf("# operation: %s\n", op->why);
	return 0;
}

/* Files below a directory, marks and locks left out. */
static int
count_files(const char *dir, const char *below)
{
	char command[400];
	int n = -1;
	FILE *p;

	snprintf(command, sizeof command, "find %s/%s ! -type d ! -name '.dicomlake*' ! -name '*lock' | wc -l", dir, below);
	p = popen(command, "r");
	if (p != NULL && fscanf(p, "%d", &n) != 1)
		n = -1;
	if (p != NULL)
		pclose(p);
	return n;
}

static bool
store_holds(void *ctx, const char *dir)
{
	const struct orphan_options dry = { .dry_run = true };
	struct orphan_totals orphans = { 0 };
	uint64_t failed = 0;
	struct store_status status;
	struct store *st;
	char path[256];
	bool fine;
	int n;

	(void)ctx;
	snprintf(path, sizeof path, "%s/store", dir);
	if (!holds(store_open(path, NULL, &st, NULL) == 0, "it does not open"))
		return false;
	fine = holds(scan(st), "an instance is lost, or has other bytes") && holds(resume(st, &n), "it cannot be resumed") &&
		holds(n <= 1, "two operations were unfinished") && holds(scan(st), "an instance was lost after it") &&
		holds(store_is_clean(st), "check finds something") &&
		holds(store_reclaim(st, &dry, &orphans, NULL) == 0 && orphans.removed + orphans.kept == 0, "something lies in two places") &&
		holds(store_operations(st, count_failed, &failed, NULL) == 0 && failed == 0, "an operation failed") &&
		holds(store_get_status(st, &status, NULL) == 0, "no status");
	fine = fine && holds((count_files(dir, "cool") == 0) == (status.tiers[STORE_COOL] == 0) &&
			     (count_files(dir, "cold") == 0) == (status.tiers[STORE_COLD] == 0), "the sums are wrong") &&
		holds(count_files(dir, "cool") + count_files(dir, "cold") <= (int)status.instances, "there are too many files") &&
		holds(count_files(dir, "store/AHDS") == (int)status.instances, "not each has one name") &&
		holds(count_files(dir, "store/staging") == 0, "something is left in staging");
	store_close(st);
	return fine;
}

int
main(void)
{
	static const struct strike strikes[] = {
		{ .step = STEP_TIER_COPIED, .every = 59, .name = "some are copied" },
		{ .step = STEP_TIER_VERIFIED, .name = "a page is verified" },
		{ .step = STEP_TIER_PLACED, .name = "copies have their names" },
		{ .step = STEP_TIER_LEADING, .every = 59, .name = "some names lead to their copies" },
		{ .step = STEP_TIER_LED, .name = "all do" }, { .step = STEP_TIER_WRITTEN, .name = "rows are written" },
		{ .step = STEP_TIER_MOVED, .name = "they are committed" },
	};
	const struct victim v = { .dir = "tier", .prepare = prepare, .script = script, .look = store_holds };
	int failed, number = 0, n = sizeof strikes / sizeof *strikes;

	log_set_level(LOG_LEVEL_ERROR);
	printf("1..%d\n", n + 1);
	failed = strike_at(&v, strikes, (size_t)n, &number);
	failed += strike_at_random(&v, 12, 300000, &number);
	return failed != 0;
}
