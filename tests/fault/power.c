/* A power cut, as far as a test can make one: a process is killed after its
 * instances were acknowledged and before the journal was settled, and then what
 * it wrote without a sync is damaged in the ways a file system may leave it.
 * Opened again, the store must hold every acknowledged byte.
 *
 * That syncing was left out for a reason is shown as well: after settling
 * there is no entry left, and the damage is found by check.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "store/step.h"
#include "store/store.h"
#include "tests/unit/ingest.h"
#include "tests/unit/scratch.h"

#define SMALL 500
#define LARGE (100 << 10)
#define INSTANCES 6			/* the last one is large */

static char dir[SCRATCH_MAX];

static struct sample
sample(int i, int fill)
{
	static const char *const sops[INSTANCES] = { "1.2.3.0", "1.2.3.1", "1.2.3.2", "1.2.3.3", "1.2.3.4", "1.2.3.5" };

	return (struct sample){ .study_uid = "1.2", .series_uid = "1.2.3", .sop_uid = sops[i], .patient_id = "P",
		.patient_name = "A^B", .modality = "CT", .pixels = i == INSTANCES - 1 ? LARGE : SMALL, .fill = fill };
}

static bool
store_one(struct store *st, int i, int fill)
{
	struct ingest_options o = { .same = INGEST_SAME_REPLACE };
	struct sample s = sample(i, fill);
	struct ingest_result result;

	return ingest_sample(st, &s, &o, &result, NULL) == 0;
}

/* 0 and 3..5 stored, 1 stored and replaced, 2 stored and deleted. */
static void
script(bool settle)
{
	struct store_scope scope = { .study_uid = "1.2", .series_uid = "1.2.3", .sop_uid = "1.2.3.2" };
	struct store *st;
	int i;

	if (store_open(dir, NULL, &st, NULL) < 0)
		_exit(3);
	for (i = 0; i < INSTANCES; i++)
		if (!store_one(st, i, 1))
			_exit(3);
	if (!store_one(st, 1, 2) || store_delete(st, &scope, NULL, NULL) < 0)
		_exit(3);
	if (settle)
		store_close(st);
	kill(getpid(), SIGKILL);
}

static void
path_of(int i, char path[512])
{
	struct sample s = sample(i, 1);

	snprintf(path, 512, "%s/AHDS/default/dicom/dicom/" STORE_DEFAULT_PARTITION "/1.2/1.2.3/%s.dcm", dir, s.sop_uid);
}

enum damage { LOST, EMPTY, CUT, ZEROS, TREE_LOST, DAMAGES };

/* To the small files only: the large one was synced. */
static void
damage(enum damage how)
{
	char path[512], large[512], aside[100], command[2048];
	struct stat sb;
	int i, fd;

	for (i = 0; i < INSTANCES - 1; i++) {
		path_of(i, path);
		if (i == 2 || stat(path, &sb) < 0)
			continue;
		if (how == LOST)
			unlink(path);
		else if (how == EMPTY || how == CUT) {
			if (truncate(path, how == CUT ? sb.st_size / 2 : 0) < 0)
				_exit(3);
		} else if (how == ZEROS) {
			/* Size and times as they were, which only a look at the bytes tells. */
			struct timespec times[2] = { sb.st_atim, sb.st_mtim };
			static const char zeros[64];

			fd = open(path, O_WRONLY);
			if (pwrite(fd, zeros, sizeof zeros, sb.st_size - 64) != 64 || futimens(fd, times) < 0)
				_exit(3);
			close(fd);
		}
	}
	if (how == TREE_LOST) {
		path_of(INSTANCES - 1, large);
		snprintf(aside, sizeof aside, "%s/large", dir);
		snprintf(command, sizeof command, "mv %s %s && rm -r %s/AHDS/default/dicom/dicom/*/1.2 && "
			 "mkdir -p $(dirname %s) && mv %s %s", large, aside, dir, large, aside, large);
		if (system(command) != 0)
			_exit(3);
	}
}

static int
count_one(void *ctx, struct slice dataset)
{
	(void)dataset;
	++*(int *)ctx;
	return 0;
}

static bool
bytes_fit(struct store *st, int i, int fill)
{
	struct sample s = sample(i, fill);
	unsigned char *want = malloc(SAMPLE_MAX + s.pixels), *got = malloc(SAMPLE_MAX + s.pixels);
	size_t len = make_dicom(&s, want);
	struct store_file *f = NULL;
	struct store_node n;
	bool fit;

	fit = store_lookup(st, STORE_ROOT_ID, STORE_DEFAULT_PARTITION, &n) == 0 &&
	      store_lookup(st, n.id, "1.2", &n) == 0 && store_lookup(st, n.id, "1.2.3", &n) == 0 &&
	      store_lookup(st, n.id, s.sop_uid, &n) == 0 && store_open_file(st, n.id, &f, NULL) == 0 &&
	      store_file_pread(f, got, SAMPLE_MAX + s.pixels, 0) == (ssize_t)len && memcmp(got, want, len) == 0;
	store_file_close(f);
	free(want);
	free(got);
	return fit;
}

static const char *
look(void)
{
	struct store *st;
	struct search q = { .level = STORE_INSTANCE };
	const char *trouble = NULL;
	int i, found = 0;

	if (store_open(dir, NULL, &st, NULL) < 0)
		return "it does not open";
	for (i = 0; i < INSTANCES && trouble == NULL; i++)
		if (i != 2 && !bytes_fit(st, i, i == 1 ? 2 : 1))
			trouble = "an acknowledged instance is not whole";
	if (trouble == NULL && (store_search(st, &q, count_one, &found, NULL) < 0 || found != INSTANCES - 1))
		trouble = "not the instances that should be there";
	if (trouble == NULL && !store_is_clean(st))
		trouble = "check finds something";
	store_close(st);
	return trouble;
}

/* What check finds when the journal was settled before the damage. */
static const char *
look_settled(void)
{
	struct check_options o = { .verify = true };
	struct check_totals totals = { 0 };
	struct store *st;
	int r;

	if (store_open(dir, NULL, &st, NULL) < 0)
		return "it does not open";
	r = store_check(st, &o, &totals, NULL);
	store_close(st);
	return r < 0 || totals.findings < INSTANCES - 2 ? "entries were left in the journal" : NULL;
}

static const char *
run(enum damage how, bool settle)
{
	const char *trouble = NULL;
	int status;
	pid_t pid;

	if (scratch_make(dir, "power", false) < 0 || store_init(dir, NULL, NULL, NULL) < 0)
		return "cannot set up";
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		script(settle);
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status))
		trouble = "the script failed";
	else {
		damage(how);
		trouble = settle ? look_settled() : look();
		/* Once more: what was restored is not in need of it again. */
		if (trouble == NULL && !settle)
			trouble = look();
	}
	if (scratch_remove(dir) != 0 && trouble == NULL)
		trouble = "cannot clean up";
	return trouble;
}

int
main(void)
{
	static const char *const names[DAMAGES] = {
		[LOST] = "lost", [EMPTY] = "empty", [CUT] = "cut short", [ZEROS] = "full of zeros",
		[TREE_LOST] = "lost with their directories",
	};
	const char *trouble;
	int how, failed = 0;

	log_set_level(LOG_LEVEL_ERROR);
	printf("1..%d\n", DAMAGES + 1);
	for (how = 0; how < DAMAGES; how++) {
		trouble = run((enum damage)how, false);
		failed += trouble != NULL;
		printf("%sok %d - small files %s after a power cut%s%s\n", trouble ? "not " : "", how + 1, names[how],
		       trouble ? ": " : "", trouble ? trouble : "");
	}
	trouble = run(LOST, true);
	failed += trouble != NULL;
	printf("%sok %d - a closed store has an empty journal%s%s\n", trouble ? "not " : "", DAMAGES + 1,
	       trouble ? ": " : "", trouble ? trouble : "");
	return failed != 0;
}
