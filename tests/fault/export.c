/* kill -9 an export at every step, and at random moments, while instances come and go beside it: resumed,
 * every instance that was named is there and counted once, what is not there is told once, and nothing that
 * gives access is left.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ops/exporter.h"
#include "store/store.h"
#include "tests/fault/strike.h"
#include "tests/unit/ingest.h"

/* Studies of ten instances: several pages of an export. */
#define STUDIES 11
#define EACH 10

static void
store_one(struct store *st, int study, int i)
{
	struct ingest_options o = { .same = INGEST_SAME_REPLACE };
	char study_uid[32], series_uid[40], sop_uid[48];
	struct sample sample = { .study_uid = study_uid, .series_uid = series_uid, .sop_uid = sop_uid, .patient_id = "P",
				 .modality = "CT", .pixels = 100 };
	struct ingest_result result;

	snprintf(study_uid, sizeof study_uid, "1.8.%d", study);
	snprintf(series_uid, sizeof series_uid, "1.8.%d.%d", study, i % 2);
	snprintf(sop_uid, sizeof sop_uid, "1.8.%d.%d.%d", study, i % 2, i);
	if (ingest_sample(st, &sample, &o, &result, NULL) < 0)
		_exit(3);
}

static void *
bother(void *ctx)
{
	int i;

	for (i = 0; i < 20; i++)
		store_one(ctx, 100 + i, i);	/* which nobody asked for */
	return NULL;
}

enum source { BY_IDENTIFIERS, BY_QUERY, BY_CHANGES, SOURCES };

struct ctx {
	enum source source;
	char id[OPERATION_TEXT_MAX];
};

/* Below the directory of a run. */
struct places { char store[80], to[80]; };

static struct places
places_of(const char *dir)
{
	struct places p;

	snprintf(p.store, sizeof p.store, "%s/store", dir);
	snprintf(p.to, sizeof p.to, "%s/to", dir);
	return p;
}

static void
prepare(void *ctx, const char *dir)
{
	struct places at = places_of(dir);
	struct export_settings settings = { .roots = at.to };
	struct ctx *c = ctx;
	char uids[STUDIES + 3][48], uri[200];
	const char *values[STUDIES + 3], *term = "StudyInstanceUID=1.8.*";
	struct export_request rq = { .source = EXPORT_IDENTIFIERS, .values = values };
	struct destination_spec spec = { 0 };
	struct store *st;
	struct err err = { 0 };
	int s, i;

	if (mkdir(at.to, 0777) < 0 || store_init(at.store, NULL, NULL, &err) < 0 || store_open(at.store, NULL, &st, &err) < 0)
		_exit(3);
	for (s = 0; s < STUDIES; s++)
		for (i = 0; i < EACH; i++)
			store_one(st, s, i);
	for (s = 0; s < STUDIES + 3; s++) {
		/* Some are unknown: in the middle, and at the end. */
		snprintf(uids[s], sizeof uids[s], s == 5 ? "9.9.%d" : s > STUDIES ? "1.8.0/9.9.%d" : "1.8.%d", s > 5 ? s - 1 : s);
		values[s] = uids[s];
	}
	rq.n_values = STUDIES + 3;
	if (c->source == BY_QUERY) {
		term = "PatientID=P";
		rq = (struct export_request){ .source = EXPORT_QUERY, .values = &term, .n_values = 1 };
	} else if (c->source == BY_CHANGES) {
		rq = (struct export_request){ .source = EXPORT_CHANGES, .since = EXPORT_SINCE_EVER, .until = INT64_MAX };
	}
	snprintf(uri, sizeof uri, "file://%s", at.to);
	if (destination_spec_of_uri(uri, &spec, &err) < 0 || export_set_root(&settings, &spec, &err) < 0 ||
	    export_begin(st, &settings, &spec, &rq, c->id, &err) < 0) {
		fprintf(stderr, "%s\n", err_text(&err));
		_exit(3);
	}
	destination_spec_fini(&spec);
	store_close(st);
}

static int
finish(struct store *st, const char *id)
{
	static const struct export_settings settings = { .jobs = 3 };
	static atomic_bool stop;
	struct exporter *x;
	struct err err = { 0 };
	int r = exporter_new(st, &settings, &stop, &x, &err);

	if (r < 0)
		return r;
	while ((r = exporter_step(x, id, &err)) > 0)
		;
	exporter_free(x);
	if (r == 0)
		r = store_export_clean(st);	/* as the runner does when it begins */
	return r;
}

static void
script(void *ctx, const char *dir)
{
	struct places at = places_of(dir);
	struct ctx *c = ctx;
	pthread_t thread;
	struct store *st;

	if (store_open(at.store, NULL, &st, NULL) < 0)
		_exit(3);
	strike_arm();
	if (pthread_create(&thread, NULL, bother, st) != 0)
		_exit(3);
	if (finish(st, c->id) < 0)
		_exit(3);
	pthread_join(thread, NULL);
	store_close(st);
	_exit(0);
}

/* -- what the parent expects ---------------------------------------------- */

static unsigned
count_files(const char *path, const char *pattern)
{
	char command[500], line[32] = "";
	FILE *f;

	snprintf(command, sizeof command, "find %s -type f -name '%s' | wc -l", path, pattern);
	f = popen(command, "r");
	if (f == NULL || fgets(line, sizeof line, f) == NULL)
		line[0] = '\0';
	if (f != NULL)
		pclose(f);
	return (unsigned)atoi(line);
}

static unsigned
count_lines(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned n = 0;
	int c;

	while (f != NULL && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f != NULL)
		fclose(f);
	return n;
}

static int
take(void *ctx, const struct operation *op)
{
	*(struct operation *)ctx = *op;
	return 0;
}

static bool
export_holds(void *ctx, const char *dir)
{
	struct places at = places_of(dir);
	struct ctx *c = ctx;
	struct operation op = { .state = STORE_OPERATION_RUNNING };
	char path[300], secrets[100];
	unsigned named = STUDIES * EACH, unknown = c->source == BY_IDENTIFIERS ? 3 : 0, files, lines;
	struct store *st;
	bool fine;

	if (!holds(store_open(at.store, NULL, &st, NULL) == 0, "it does not open"))
		return false;
	fine = holds(store_is_clean(st), "check finds something") && holds(finish(st, c->id) == 0, "it cannot be resumed") &&
		holds(store_operation(st, c->id, take, &op, NULL) == 0 && op.state == STORE_OPERATION_SUCCEEDED, "it has not ended well");
	snprintf(path, sizeof path, "%s/%s", at.to, c->id);
	files = count_files(path, "*.dcm");
	snprintf(path, sizeof path, "%s/%s/errors.log", at.to, c->id);
	lines = count_lines(path);
	snprintf(secrets, sizeof secrets, "%s/exports", at.store);
	/* Those that came beside it may be there, by a query or the feed; counted as often as they are there. */
	if (fine && (op.export.exported != files || files < named || (c->source == BY_IDENTIFIERS && files != named) ||
		     op.export.skipped != unknown || lines != unknown || count_files(path, "*.part") != 0))
		fine = trouble("%u files, %u lines; counted %llu and %llu", files, lines,
			       (unsigned long long)op.export.exported, (unsigned long long)op.export.skipped);
	fine = fine && holds(count_files(secrets, "*") == 0, "what gave access is there still");
	store_close(st);
	return fine;
}

int
main(void)
{
	static const struct strike strikes[] = {
		{ .step = STEP_EXPORTING, .name = "a page is put" }, { .step = STEP_EXPORTED, .name = "a page is counted" },
	};
	static const char *const sources[SOURCES] = { "identifiers", "a query", "changes" };
	int failed = 0, number = 0, n = sizeof strikes / sizeof *strikes;
	struct ctx c;
	struct victim v = { .dir = "export", .in_memory = true, .prepare = prepare, .script = script, .look = export_holds, .ctx = &c };

	log_set_level(LOG_LEVEL_ERROR);
	printf("1..%d\n", (n + 1) * SOURCES);
	for (c.source = 0; c.source < SOURCES; c.source++) {
		v.name = sources[c.source];
		failed += strike_at(&v, strikes, (size_t)n, &number);
		failed += strike_at_random(&v, 4, 60000, &number);
	}
	return failed != 0;
}
