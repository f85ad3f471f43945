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
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/store.h"
#include "tests/fault/strike.h"
#include "tests/unit/ingest.h"

#define INSTANCES 12

/* What the child has told. */
struct expected {
	int fds[2];
	char state[INSTANCES];		/* 0 unknown, 's' there, 'd' either, 'D' gone */
	bool replacing, replaced;
};

static void
prepare(void *ctx, const char *dir)
{
	struct expected *e = ctx;

	*e = (struct expected){ .replacing = false };
	if (store_init(dir, NULL, NULL, NULL) < 0 || pipe(e->fds) < 0)
		_exit(3);
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
script(void *ctx, const char *dir)
{
	const struct expected *e = ctx;
	struct ticket *tickets[INSTANCES];
	struct store *st;
	int i;

	close(e->fds[0]);
	tell_fd = e->fds[1];
	log_set_level(LOG_LEVEL_ERROR);
	if (store_open(dir, NULL, &st, NULL) < 0)
		_exit(3);
	strike_arm();
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

static void
listen_to(void *ctx)
{
	struct expected *e = ctx;
	unsigned char line[2];

	close(e->fds[1]);
	while (read(e->fds[0], line, 2) == 2) {
		if (line[0] == 'r')
			e->replacing = true;
		else if (line[0] == 'R')
			e->replaced = true;
		else
			e->state[line[1]] = line[0] == 'm' ? 's' : (char)line[0];
	}
	close(e->fds[0]);
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
store_holds(void *ctx, const char *dir)
{
	const struct expected *e = ctx;
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

int
main(void)
{
	/* Later ones: reindex.c and the others. */
	static const struct strike strikes[] = {
		{ .step = STEP_RECEIVED, .name = "received" }, { .step = STEP_ACCEPTED, .name = "accepted" },
		{ .step = STEP_DURABLE, .name = "durable" }, { .step = STEP_WRITTEN, .name = "written" },
		{ .step = STEP_COMMITTED, .name = "committed" }, { .step = STEP_PUBLISHING, .name = "publishing" },
		{ .step = STEP_PUBLISHED, .name = "published" }, { .step = STEP_SETTLED, .name = "settled" },
		{ .step = STEP_REMOVED, .name = "removed" }, { .step = STEP_RECLAIMING, .name = "reclaiming" },
		{ .step = STEP_RECLAIMED, .name = "reclaimed" },
	};
	struct expected e;
	const struct victim v = { .dir = "kill", .prepare = prepare, .script = script, .listen = listen_to, .look = store_holds, .ctx = &e };
	int number = 0, n = sizeof strikes / sizeof *strikes;

	log_set_level(LOG_LEVEL_ERROR);
	printf("1..%d\n", n);
	return strike_at(&v, strikes, (size_t)n, &number) != 0;
}
