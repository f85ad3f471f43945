/* kill -9 an export at every step, and at random moments, while instances come and go beside it: resumed,
 * every instance that was named is there and counted once, what is not there is told once, and nothing that
 * gives access is left.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "ops/exporter.h"
#include "store/step.h"
#include "store/store.h"
#include "tests/unit/ingest.h"

/* Studies of ten instances: several pages of an export. */
#define STUDIES 11
#define EACH 10

static enum step strike_step;
static int strike_count;

static void
strike(enum step s)
{
	if (s == strike_step && __atomic_sub_fetch(&strike_count, 1, __ATOMIC_SEQ_CST) == 0)
		kill(getpid(), SIGKILL);
}

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

static void
prepare(const char *dir, const char *to, enum source source, char id[OPERATION_TEXT_MAX])
{
	struct export_settings settings = { .roots = to };
	char uids[STUDIES + 3][48], uri[200];
	const char *values[STUDIES + 3], *term = "StudyInstanceUID=1.8.*";
	struct export_request rq = { .source = EXPORT_IDENTIFIERS, .values = values };
	struct destination_spec spec = { 0 };
	struct store *st;
	struct err err = { 0 };
	int s, i;

	if (store_init(dir, NULL, NULL, &err) < 0 || store_open(dir, NULL, &st, &err) < 0)
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
	if (source == BY_QUERY) {
		term = "PatientID=P";
		rq = (struct export_request){ .source = EXPORT_QUERY, .values = &term, .n_values = 1 };
	} else if (source == BY_CHANGES) {
		rq = (struct export_request){ .source = EXPORT_CHANGES, .since = EXPORT_SINCE_EVER, .until = INT64_MAX };
	}
	snprintf(uri, sizeof uri, "file://%s", to);
	if (destination_spec_of_uri(uri, &spec, &err) < 0 || export_set_root(&settings, &spec, &err) < 0 ||
	    export_begin(st, &settings, &spec, &rq, id, &err) < 0) {
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
script(const char *dir, const char *id)
{
	pthread_t thread;
	struct store *st;

	if (store_open(dir, NULL, &st, NULL) < 0)
		_exit(3);
	step_hook = strike;
	if (pthread_create(&thread, NULL, bother, st) != 0)
		_exit(3);
	if (finish(st, id) < 0)
		_exit(3);
	pthread_join(thread, NULL);
	store_close(st);
	_exit(0);
}

/* -- what the parent expects ---------------------------------------------- */

static const char *trouble;
static char trouble_text[300];

static bool
holds(bool what, const char *else_trouble)
{
	if (!what)
		trouble = else_trouble;
	return what;
}

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
export_holds(const char *dir, const char *to, enum source source, const char *id)
{
	struct operation op = { .state = STORE_OPERATION_RUNNING };
	char path[300], secrets[100];
	unsigned named = STUDIES * EACH, unknown = source == BY_IDENTIFIERS ? 3 : 0, files, lines;
	struct store *st;
	bool fine;

	if (!holds(store_open(dir, NULL, &st, NULL) == 0, "it does not open"))
		return false;
	fine = holds(store_is_clean(st), "check finds something") && holds(finish(st, id) == 0, "it cannot be resumed") &&
		holds(store_operation(st, id, take, &op, NULL) == 0 && op.state == STORE_OPERATION_SUCCEEDED, "it has not ended well");
	snprintf(path, sizeof path, "%s/%s", to, id);
	files = count_files(path, "*.dcm");
	snprintf(path, sizeof path, "%s/%s/errors.log", to, id);
	lines = count_lines(path);
	snprintf(secrets, sizeof secrets, "%s/exports", dir);
	/* Those that came beside it may be there, by a query or the feed; counted as often as they are there. */
	if (fine && (op.export.exported != files || files < named || (source == BY_IDENTIFIERS && files != named) ||
		     op.export.skipped != unknown || lines != unknown || count_files(path, "*.part") != 0)) {
		snprintf(trouble_text, sizeof trouble_text, "%u files, %u lines; counted %llu and %llu", files, lines,
			 (unsigned long long)op.export.exported, (unsigned long long)op.export.skipped);
		fine = holds(false, trouble_text);
	}
	fine = fine && holds(count_files(secrets, "*") == 0, "what gave access is there still");
	store_close(st);
	return fine;
}

/* Killed at the nth of these steps, or when nth is 0 after so many microseconds.  1: it was killed
 * and all holds; 0: it ran through; -1 trouble. */
static int
run(enum step s, int nth, unsigned after, enum source source)
{
	/* In memory where there is room: it is the process that dies, not the disk. */
	char dir[64] = "/dev/shm/dicomlake-export-XXXXXX", store[80], to[80], command[100], id[OPERATION_TEXT_MAX];
	int status;
	bool fine;
	pid_t pid;

	if (mkdtemp(dir) == NULL && mkdtemp(strcpy(dir, "/tmp/dicomlake-export-XXXXXX")) == NULL)
		return holds(false, "cannot set up") ? 0 : -1;
	snprintf(store, sizeof store, "%s/store", dir);
	snprintf(to, sizeof to, "%s/to", dir);
	mkdir(to, 0777);
	prepare(store, to, source, id);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		strike_step = s;
		strike_count = nth;
		script(store, id);
	}
	if (nth == 0) {
		usleep(after);
		kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	fine = holds(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0, "the script failed") &&
		export_holds(store, to, source, id);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	if (system(command) != 0)
		fine = false;
	return !fine ? -1 : WIFSIGNALED(status);
}

static void
tell(int number, const char *source, const char *name, int times, int r)
{
	if (r < 0)
		printf("not ok %d - %s, killed when %s (time %d): %s\n", number, source, name, times, trouble);
	else
		printf("ok %d - %s, killed when %s, %d times\n", number, source, name, times);
	fflush(stdout);
}

int
main(void)
{
	static const struct { enum step step; const char *name; } steps[] = {
		{ STEP_EXPORTING, "a page is put", }, { STEP_EXPORTED, "a page is counted" },
	};
	static const char *const sources[SOURCES] = { "identifiers", "a query", "changes" };
	unsigned seed = (unsigned)getpid(), after;
	int i, nth, r, failed = 0, number = 0, n = sizeof steps / sizeof *steps;
	enum source source;

	log_set_level(LOG_LEVEL_ERROR);
	printf("1..%d\n", (n + 1) * SOURCES);
	for (source = 0; source < SOURCES; source++) {
		for (i = 0; i < n; i++) {
			for (nth = 1; (r = run(steps[i].step, nth, 0, source)) > 0; nth++)
				;
			if (r == 0 && nth == 1) {
				trouble = "the step was never reached";
				r = -1;
			}
			failed += r < 0;
			tell(++number, sources[source], steps[i].name, nth - 1, r);
		}
		printf("# seed %u\n", seed);
		for (nth = 0, r = 0; nth < 4 && r >= 0; nth++) {
			seed = seed * 1103515245 + 12345;
			after = seed / 65536 % 60000;
			r = run(STEP_END, 0, after, source);
		}
		failed += r < 0;
		tell(++number, sources[source], "at random", nth, r);
	}
	return failed != 0;
}
