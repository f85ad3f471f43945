/* kill -9 at every numbered step of ingest and delete, the first time, the
 * second and so on until the script runs through: after each, the store is
 * opened again and
 *	- every acknowledged instance is there, whole and searchable,
 *	- every acknowledged delete has happened,
 *	- what the mount's door accepted is there,
 *	- what was refused is not,
 *	- check, reading every byte, finds nothing, no removal is pending, and staging is empty.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "store/step.h"
#include "store/store.h"
#include "tests/unit/ingest.h"

#define INSTANCES 12

static enum step strike_step;
static int strike_count;

static void
strike(enum step s)
{
	if (s == strike_step && __atomic_sub_fetch(&strike_count, 1, __ATOMIC_SEQ_CST) == 0)
		kill(getpid(), SIGKILL);
}

/* -- the script, run in a child ------------------------------------------- */

static int tell_fd;

static void
tell(char what, int number)
{
	char line[2] = { what, (char)number };

	if (write(tell_fd, line, 2) != 2)
		_exit(3);
}

static void
fill_sample(int i, int fill, struct sample *s, char uids[3][64])
{
	snprintf(uids[0], 64, "1.9.%d", i / 6);
	snprintf(uids[1], 64, "1.9.%d.%d", i / 6, i / 3);
	snprintf(uids[2], 64, "1.9.%d.%d.%d", i / 6, i / 3, i);
	*s = (struct sample){ .study_uid = uids[0], .series_uid = uids[1], .sop_uid = uids[2],
		.patient_id = "P", .patient_name = "A^B", .study_date = "20240101", .modality = "CT",
		.pixels = 500, .fill = fill };
}

static struct ticket *
accept_one(struct store *st, int i, int fill, bool survive)
{
	struct ingest_options o = { .same = INGEST_SAME_REPLACE, .survive_kill = survive };
	struct ingest_result result;
	struct ticket *t;
	struct sample s;
	char uids[3][64];
	int r;

	fill_sample(i, fill, &s, uids);
	if (i < 0)
		s.sop_uid = "not a uid";
	r = accept_sample(st, &s, &o, &result, &t, NULL);
	if (r != (i < 0 ? -EINVAL : 0))
		_exit(3);
	if (r < 0)
		return NULL;
	if (survive)
		tell('m', i);
	return t;
}

static void
delete_one(struct store *st, int i)
{
	struct sample s;
	char uids[3][64];
	struct store_scope scope;

	fill_sample(i, 0, &s, uids);
	scope = (struct store_scope){ .study_uid = uids[0], .series_uid = uids[1], .sop_uid = uids[2] };
	tell('d', i);			/* from here on either is right */
	if (store_delete(st, &scope, NULL, NULL) < 0)
		_exit(3);
	tell('D', i);
}

static void
script(const char *dir)
{
	struct ticket *tickets[INSTANCES];
	struct store *st;
	int i;

	log_set_level(LOG_LEVEL_ERROR);
	if (store_open(dir, NULL, &st, NULL) < 0)
		_exit(3);
	step_hook = strike;
	accept_one(st, -1, 0, false);
	for (i = 0; i < 4; i++)
		tickets[i] = accept_one(st, i, 1, false);
	for (i = 0; i < 4; i++)
		if (ticket_wait(tickets[i], NULL, NULL) == 0)
			tell('s', i);
	for (i = 4; i < 8; i++)
		ticket_free(accept_one(st, i, 1, true));
	tell('r', 1);
	if (ticket_wait(accept_one(st, 1, 2, false), NULL, NULL) == 0)
		tell('R', 1);
	for (i = 8; i < INSTANCES; i++) {
		if (ticket_wait(accept_one(st, i, 1, i & 1), NULL, NULL) == 0)
			tell('s', i);
	}
	delete_one(st, 0);
	delete_one(st, 4);
	delete_one(st, 5);		/* the last of its series */
	store_close(st);
	_exit(0);
}

/* -- what the parent expects ---------------------------------------------- */

struct expected {
	char state[INSTANCES];		/* 0 unknown, 's' there, 'd' either, 'D' gone */
	bool replacing, replaced;
};

static void
listen_to(int fd, struct expected *e)
{
	unsigned char line[2];

	while (read(fd, line, 2) == 2) {
		if (line[0] == 'r')
			e->replacing = true;
		else if (line[0] == 'R')
			e->replaced = true;
		else
			e->state[line[1]] = line[0] == 'm' ? 's' : (char)line[0];
	}
}

static const char *trouble;

static bool
holds(bool what, const char *else_trouble)
{
	if (!what)
		trouble = else_trouble;
	return what;
}

static int
count_one(void *ctx, struct slice dataset)
{
	(void)dataset;
	++*(int *)ctx;
	return 0;
}

static bool
instance_fits(struct store *st, const struct expected *e, int i)
{
	unsigned char bytes[SAMPLE_MAX + 500], got[SAMPLE_MAX + 500];
	struct sample s;
	char uids[3][64];
	struct search_term term;
	struct search q;
	struct store_node n;
	struct store_file *f;
	size_t len;
	int found = 0, fill, r;
	bool same = false;

	fill_sample(i, 1, &s, uids);
	term = (struct search_term){ .tag = TAG_SOP_INSTANCE_UID, .value = uids[2] };
	q = (struct search){ .level = STORE_INSTANCE, .terms = &term, .n_terms = 1 };
	if (!holds(store_search(st, &q, count_one, &found, NULL) == 0, "search fails"))
		return false;
	if (e->state[i] == 's' && !holds(found == 1, "an acknowledged instance is not found"))
		return false;
	if (e->state[i] == 'D' && !holds(found == 0, "an acknowledged delete did not happen"))
		return false;
	if (found == 0)
		return true;
	r = store_lookup(st, STORE_ROOT_ID, STORE_DEFAULT_PARTITION, &n);
	if (r == 0)
		r = store_lookup(st, n.id, uids[0], &n);
	if (r == 0)
		r = store_lookup(st, n.id, uids[1], &n);
	if (r == 0)
		r = store_lookup(st, n.id, uids[2], &n);
	if (!holds(r == 0, "what is found has no name") ||
	    !holds(store_open_file(st, n.id, &f, NULL) == 0, "what is found cannot be opened"))
		return false;
	for (fill = 1; fill <= 2 && !same; fill++) {
		s.fill = fill;
		if ((fill == 1 && i == 1 && e->replaced) || (fill == 2 && (i != 1 || !e->replacing)))
			continue;
		len = make_dicom(&s, bytes);
		same = store_file_pread(f, got, sizeof got, 0) == (ssize_t)len && memcmp(got, bytes, len) == 0;
	}
	store_file_close(f);
	return holds(same, "its bytes are others");
}

static bool
staging_is_empty(const char *dir)
{
	char path[200];
	struct dirent *e;
	DIR *d;
	int n = 0;

	snprintf(path, sizeof path, "%s/staging", dir);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.' && strcmp(e->d_name, "recovery.lock") != 0;
	if (d != NULL)
		closedir(d);
	return n == 0;
}

static bool
store_holds(const char *dir, const struct expected *e)
{
	struct store_status status;
	struct store *st;
	struct err err = { 0 };
	bool fine = true;
	int i;

	if (!holds(store_open(dir, NULL, &st, &err) == 0, "it does not open"))
		return false;
	for (i = 0; i < INSTANCES && fine; i++)
		fine = instance_fits(st, e, i);
	if (fine)
		fine = holds(store_get_status(st, &status, &err) == 0 && status.pending == 0,
			     "removals are still pending");
	if (fine)
		fine = holds(store_is_clean(st), "check finds something");
	store_close(st);
	return fine && holds(staging_is_empty(dir), "staging is not empty");
}

/* One run.  1: it was killed and all holds; 0: it ran through; -1 trouble. */
static int
run(enum step s, int nth)
{
	struct expected e = { .replacing = false };
	char dir[64] = "/tmp/dicomlake-kill-XXXXXX", command[100];
	int fds[2], status;
	bool fine;
	pid_t pid;

	if (mkdtemp(dir) == NULL || store_init(dir, NULL, NULL, NULL) < 0 || pipe(fds) < 0)
		return holds(false, "cannot set up") ? 0 : -1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		tell_fd = fds[1];
		strike_step = s;
		strike_count = nth;
		script(dir);
	}
	close(fds[1]);
	listen_to(fds[0], &e);
	close(fds[0]);
	waitpid(pid, &status, 0);
	fine = holds(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0,
		     "the script failed") && store_holds(dir, &e);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	if (system(command) != 0)
		fine = false;
	return !fine ? -1 : WIFSIGNALED(status);
}

int
main(void)
{
	static const char *const names[] = {
		[STEP_RECEIVED] = "received", [STEP_ACCEPTED] = "accepted", [STEP_DURABLE] = "durable",
		[STEP_WRITTEN] = "written", [STEP_COMMITTED] = "committed", [STEP_PUBLISHING] = "publishing",
		[STEP_PUBLISHED] = "published", [STEP_SETTLED] = "settled", [STEP_REMOVED] = "removed", [STEP_RECLAIMING] = "reclaiming",
		[STEP_RECLAIMED] = "reclaimed",
	};
	int s, nth, r, failed = 0;

	log_set_level(LOG_LEVEL_ERROR);
	printf("1..%d\n", STEP_RECLAIMED);
	for (s = 1; s <= STEP_RECLAIMED; s++) {		/* later ones: reindex.c */
		for (nth = 1; (r = run((enum step)s, nth)) > 0; nth++)
			;
		if (r == 0 && nth == 1) {
			trouble = "the step was never reached";
			r = -1;
		}
		if (r < 0) {
			failed++;
			printf("not ok %d - killed when %s (time %d): %s\n", s, names[s], nth, trouble);
		} else
			printf("ok %d - killed when %s, %d times\n", s, names[s], nth - 1);
		fflush(stdout);
	}
	return failed != 0;
}
