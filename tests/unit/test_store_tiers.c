/* Tiers of a store: bytes are where they are said to be, once, and nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "store/orphans.h"
#include "store/tiers_internal.h"
#include "store/update.h"
#include "tests/unit/store_fixture.h"

struct fixture {
	char base[SCRATCH_MAX], store[100], cold[100], archive[100];
	struct store *st;
	char found[1024];		/* by check, or reclaim */
	uint64_t away;
};

static void
write_conf(struct fixture *f, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof path, "%s/" STORE_TIERS_CONF, f->store);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
write_usual_conf(struct fixture *f)
{
	char text[400];

	snprintf(text, sizeof text, "tier = cold %s\ntier = archive %s\n", f->cold, f->archive);
	write_conf(f, text);
}

static void
open_store(struct fixture *f)
{
	struct err err = { 0 };

	if (store_open(f->store, NULL, &f->st, &err) < 0)
		fail_msg("%s", err_text(&err));
}

static void
reopen(struct fixture *f)
{
	store_close(f->st);
	f->st = NULL;
	open_store(f);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	if (scratch_make(f->base, "tiers", false) < 0)
		return -1;
	snprintf(f->store, sizeof f->store, "%s/store", f->base);
	snprintf(f->cold, sizeof f->cold, "%s/cold", f->base);
	snprintf(f->archive, sizeof f->archive, "%s/archive", f->base);
	if (mkdir(f->cold, 0777) < 0 || mkdir(f->archive, 0777) < 0 || store_init(f->store, NULL, NULL, NULL) < 0)
		return -1;
	write_usual_conf(f);
	open_store(f);
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int r;

	store_close(f->st);
	r = scratch_remove(f->base);
	free(f);
	return r;
}

#define SERIES "1.2/1.2.3"

static uint64_t
put(struct fixture *f, const char *sop, int fill)
{
	struct sample s = sample("1.2", "1.2.3", sop);

	s.pixels = 5000;
	s.fill = fill;
	return put_sample(f->st, s);
}

static void
run(struct fixture *f, const char *id)
{
	struct err err = { 0 };
	int r;

	while ((r = store_tier_step(f->st, id, NULL, &err)) > 0)
		;
	if (r < 0)
		fail_msg("%s", err_text(&err));
}

static int
take_operation(void *ctx, const struct operation *op)
{
	*(struct operation *)ctx = *op;
	return 0;
}

/* Returns how many were moved. */
static unsigned
move(struct fixture *f, uint64_t node, enum store_tier to)
{
	const struct tier_request rq = { .tier = to, .nodes = &node, .n_nodes = 1 };
	char id[OPERATION_TEXT_MAX];
	struct operation op;
	struct err err = { 0 };

	if (store_begin_tiering(f->st, &rq, id, &err) < 0)
		fail_msg("%s", err_text(&err));
	run(f, id);
	assert_int_equal(store_operation(f->st, id, take_operation, &op, &err), 0);
	if (op.state != STORE_OPERATION_SUCCEEDED)
		fail_msg("state %d: %s", op.state, op.why);
	return (unsigned)op.tier.moved;
}

static void
public_path(const struct fixture *f, const char *sop, char path[300])
{
	snprintf(path, 300, "%s/AHDS/default/dicom/dicom/Microsoft.Default/" SERIES "/%s.dcm", f->store, sop);
}

static void
tier_file(const char *dir, const char *sop, char path[300])
{
	snprintf(path, 300, "%s/Microsoft.Default/" SERIES "/%s.dcm", dir, sop);
}

static bool
is_in(const char *dir, const char *sop)
{
	char path[300];

	tier_file(dir, sop, path);
	return access(path, F_OK) == 0;
}

/* "hot", the directory of the tier that a link leads to, or why not. */
static const char *
place_of(const struct fixture *f, const char *sop)
{
	static char target[300];
	char path[300], want[300];
	struct stat sb;
	ssize_t n;

	public_path(f, sop, path);
	if (lstat(path, &sb) < 0)
		return "none";
	if (S_ISREG(sb.st_mode))
		return "hot";
	n = readlink(path, target, sizeof target - 1);
	target[n > 0 ? n : 0] = '\0';
	tier_file(f->cold, sop, want);
	if (strcmp(target, want) == 0)
		return "cold";
	tier_file(f->archive, sop, want);
	return strcmp(target, want) == 0 ? "archive" : target;
}

/* Can it be read, and are its bytes what they should be?  Else err says why. */
static int
read_it(struct fixture *f, uint64_t id, struct err *err)
{
	struct store_file *file;
	int r;

	err_clear(err);
	r = store_open_file(f->st, id, &file, err);
	if (r < 0)
		return r;
	r = store_file_verify(file, NULL, err);
	store_file_close(file);
	return r;
}

static void
assert_reads(struct fixture *f, uint64_t id)
{
	struct err err;

	if (read_it(f, id, &err) < 0)
		fail_msg("%s", err_text(&err));
}

static void
finding(void *ctx, enum check_finding what, const char *text, bool repaired)
{
	static const char *const names[] = {
		[CHECK_FILE_MISSING] = "missing", [CHECK_FILE_CHANGED] = "changed", [CHECK_FILE_UNKNOWN] = "unknown",
		[CHECK_INDEX] = "index", [CHECK_STAGING] = "staging", [CHECK_TIER_AWAY] = "away", [CHECK_TIER] = "tier",
	};
	struct fixture *f = ctx;
	size_t n = strlen(f->found);
	const char *name = strrchr(text, '/');

	snprintf(f->found + n, sizeof f->found - n, "%s%s %s%s", n > 0 ? ", " : "", names[what],
		 what == CHECK_INDEX || name == NULL ? text : name + 1, repaired ? " (repaired)" : "");
}

/* What check says, the names of the findings without their directories. */
static const char *
check(struct fixture *f, bool repair)
{
	const struct check_options o = { .repair = repair, .verify = true, .report = finding, .ctx = f };
	struct check_totals totals;

	f->found[0] = '\0';
	assert_int_equal(store_check(f->st, &o, &totals, NULL), 0);
	f->away = totals.away;
	return f->found;
}

static void
orphan(void *ctx, const char *dir, const char *name, uint64_t size, bool ours)
{
	struct fixture *f = ctx;
	size_t n = strlen(f->found);

	(void)size;
	snprintf(f->found + n, sizeof f->found - n, "%s%s %s:%s", n > 0 ? ", " : "", ours ? "removed" : "kept",
		 dir != NULL ? strrchr(dir, '/') + 1 : "", strrchr(name, '/') + 1);
}

static const char *
reclaim(struct fixture *f)
{
	const struct orphan_options o = { .report = orphan, .ctx = f };
	struct orphan_totals totals;
	struct err err = { 0 };

	f->found[0] = '\0';
	if (store_reclaim(f->st, &o, &totals, &err) < 0)
		fail_msg("%s", err_text(&err));
	return f->found;
}

static void
copy_file(const char *from, const char *to)
{
	char command[1200];

	snprintf(command, sizeof command, "mkdir -p \"$(dirname '%s')\" && cp -p '%s' '%s'", to, from, to);
	assert_int_equal(system(command), 0);
}

/* -- moving --------------------------------------------------------------- */

static void
test_a_move_changes_no_instance(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put(f, "1.2.3.1", 1);
	struct instance_info before, after;
	struct store_status status;
	struct store_node node;
	char path[300];
	struct stat sb;

	put(f, "1.2.3.2", 1);
	assert_int_equal(instance_now(f->st, id, &before), 0);
	assert_int_equal(move(f, id, STORE_COLD), 1);
	assert_string_equal(place_of(f, "1.2.3.1"), "cold");
	assert_string_equal(place_of(f, "1.2.3.2"), "hot");
	assert_int_equal(instance_now(f->st, id, &after), 0);
	assert_int_equal(before.tier, STORE_HOT);
	assert_int_equal(after.tier, STORE_COLD);
	after.tier = before.tier;
	assert_true(before.watermark == after.watermark && before.size == after.size && before.mtime == after.mtime &&
		    before.created == after.created && memcmp(before.hash, after.hash, HASH_LEN) == 0);
	assert_reads(f, id);
	/* Whoever reads the tree without us sees the same file. */
	public_path(f, "1.2.3.1", path);
	assert_int_equal(stat(path, &sb), 0);
	assert_true((uint64_t)sb.st_size == before.size);
	assert_int_equal(store_get_status(f->st, &status, NULL), 0);
	assert_true(status.sequence == 2 && status.tiers[STORE_COLD] == before.size &&
		    status.tiers[STORE_HOT] == status.bytes - before.size);
	assert_int_equal(store_get_node(f->st, id, &node), 0);
	assert_true(node.tiers[STORE_COLD] == before.size);
	assert_int_equal(store_get_node(f->st, node.parent, &node), 0);
	assert_true(node.tiers[STORE_COLD] == before.size && node.size > before.size);
	assert_string_equal(check(f, false), "");
	/* Again there is nothing to do. */
	assert_int_equal(move(f, id, STORE_COLD), 0);
	assert_int_equal(move(f, node.id, STORE_ARCHIVE), 2);
	assert_false(is_in(f->cold, "1.2.3.1"));
	assert_true(is_in(f->archive, "1.2.3.1"));
	assert_string_equal(check(f, false), "");
	assert_int_equal(move(f, node.parent, STORE_HOT), 2);
	assert_string_equal(place_of(f, "1.2.3.1"), "hot");
	assert_false(is_in(f->archive, "1.2.3.1"));
	assert_int_equal(instance_now(f->st, id, &after), 0);
	assert_true(before.watermark == after.watermark && before.mtime == after.mtime && after.tier == STORE_HOT);
	assert_reads(f, id);
	assert_string_equal(check(f, false), "");
	reopen(f);
	assert_string_equal(check(f, false), "");
}

static void
test_who_has_it_open_keeps_it(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put(f, "1.2.3.1", 1);
	struct store_file *hot, *cold;

	assert_int_equal(store_open_file(f->st, id, &hot, NULL), 0);
	move(f, id, STORE_COLD);
	assert_int_equal(store_open_file(f->st, id, &cold, NULL), 0);
	move(f, id, STORE_ARCHIVE);
	assert_int_equal(store_file_verify(hot, NULL, NULL), 0);
	assert_int_equal(store_file_verify(cold, NULL, NULL), 0);
	store_file_close(hot);
	store_file_close(cold);
}

static void
test_what_is_archived_is_not_read(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put(f, "1.2.3.1", 1);
	struct err err;

	move(f, id, STORE_ARCHIVE);
	assert_int_equal(read_it(f, id, &err), -ESTALE);
	assert_non_null(strstr(err_text(&err), "BlobArchived"));
	assert_string_equal(check(f, true), "");
	move(f, id, STORE_COLD);
	assert_reads(f, id);
}

static void
test_rules_are_applied(void **state)
{
	const struct tier_request rq = { .by_rules = true };
	struct fixture *f = *state;
	char text[400], id[OPERATION_TEXT_MAX], path[300];
	struct err err = { 0 };
	struct timespec times[2] = { { .tv_sec = time(NULL) - 100000 }, { .tv_nsec = UTIME_OMIT } };
	uint64_t a = put(f, "1.2.3.1", 1);
	int64_t when = -1;

	put(f, "1.2.3.2", 1);
	assert_int_equal(store_begin_tiering(f->st, &rq, id, &err), -EINVAL);
	snprintf(text, sizeof text, "tier = cold %s\nrule = cold unused=1d\nrule = cold age=400d\nrule = hot\n", f->cold);
	write_conf(f, text);
	reopen(f);
	/* By the time it was read last, which a move does not change. */
	public_path(f, "1.2.3.1", path);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(store_last_tiering(f->st, &when), 0);
	assert_true(when == 0);
	assert_int_equal(store_begin_tiering(f->st, &rq, id, &err), 0);
	run(f, id);
	assert_string_equal(place_of(f, "1.2.3.1"), "cold");
	assert_string_equal(place_of(f, "1.2.3.2"), "hot");
	assert_int_equal(store_last_tiering(f->st, &when), 0);
	assert_true(when > 0);
	assert_int_equal(store_begin_tiering(f->st, &rq, id, &err), 0);
	run(f, id);
	assert_string_equal(place_of(f, "1.2.3.1"), "cold");
	times[0].tv_sec = time(NULL);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(store_begin_tiering(f->st, &rq, id, &err), 0);
	run(f, id);
	assert_string_equal(place_of(f, "1.2.3.1"), "hot");
	assert_reads(f, a);
	assert_string_equal(check(f, false), "");
}

/* -- what else happens to instances --------------------------------------- */

static void
test_what_is_replaced_or_deleted_leaves_its_tier(void **state)
{
	struct store_scope scope = { .study_uid = "1.2", .series_uid = "1.2.3", .sop_uid = "1.2.3.2" };
	struct fixture *f = *state;
	uint64_t a = put(f, "1.2.3.1", 1), b = put(f, "1.2.3.2", 1), c = put(f, "1.2.3.3", 1);

	move(f, a, STORE_COLD);
	move(f, b, STORE_COLD);
	move(f, c, STORE_ARCHIVE);
	assert_true(put(f, "1.2.3.1", 2) == a);
	assert_string_equal(place_of(f, "1.2.3.1"), "hot");
	assert_false(is_in(f->cold, "1.2.3.1"));
	assert_reads(f, a);
	assert_int_equal(store_delete(f->st, &scope, NULL, NULL), 0);
	assert_false(is_in(f->cold, "1.2.3.2"));
	assert_string_equal(place_of(f, "1.2.3.2"), "none");
	/* The same bytes again are those that are there. */
	put(f, "1.2.3.3", 1);
	assert_string_equal(place_of(f, "1.2.3.3"), "archive");
	put(f, "1.2.3.3", 2);
	assert_string_equal(place_of(f, "1.2.3.3"), "hot");
	assert_reads(f, c);
	assert_false(is_in(f->archive, "1.2.3.3"));
	assert_string_equal(check(f, false), "");
	assert_string_equal(reclaim(f), "");
}

static void
test_what_is_updated_is_hot_and_its_first_version_is_kept(void **state)
{
	static const char *const studies[] = { "1.2" };
	static const struct update_value values[] = { { .tag = 0x00100010, .text = "Other^Name" } };
	const struct update_request rq = { .study_uids = studies, .n_studies = 1, .values = values, .n_values = 1 };
	struct fixture *f = *state;
	uint64_t id = put(f, "1.2.3.1", 1);
	char operation[OPERATION_TEXT_MAX];
	struct store_file *file;
	struct operation op;
	struct err err = { 0 };

	move(f, id, STORE_COLD);
	assert_int_equal(store_begin_update(f->st, &rq, operation, &err), 0);
	assert_int_equal(store_update_step(f->st, operation, NULL, &err), 0);
	assert_string_equal(place_of(f, "1.2.3.1"), "hot");
	assert_false(is_in(f->cold, "1.2.3.1"));
	assert_reads(f, id);
	assert_int_equal(store_open_original(f->st, id, &file, NULL), 0);
	assert_int_equal(store_file_verify(file, NULL, NULL), 0);
	store_file_close(file);
	assert_string_equal(check(f, false), "");
	/* What is archived cannot be changed (contract 11.5). */
	move(f, id, STORE_ARCHIVE);
	assert_int_equal(store_begin_update(f->st, &rq, operation, &err), 0);
	assert_int_equal(store_update_step(f->st, operation, NULL, &err), 0);
	assert_int_equal(store_operation(f->st, operation, take_operation, &op, &err), 0);
	assert_int_equal(op.state, STORE_OPERATION_FAILED);
	assert_string_equal(place_of(f, "1.2.3.1"), "archive");
	assert_string_equal(check(f, false), "");
}

/* -- links ---------------------------------------------------------------- */

static void
test_no_other_link_is_followed(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put(f, "1.2.3.1", 1);
	char path[300], other[300];
	struct err err;
	struct stat sb;
	unsigned tier;
	int fd;

	public_path(f, "1.2.3.1", path);
	snprintf(other, sizeof other, "%s/kept", f->base);
	assert_int_equal(rename(path, other), 0);
	/* Not even to the very bytes. */
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(read_it(f, id, &err), -ESTALE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(read_it(f, id, &err), -ESTALE);
	assert_int_equal(blob_open(f->st->blobs, "Microsoft.Default/" SERIES "/1.2.3.1.dcm", &fd), -ELOOP);
	assert_int_equal(blob_tier(f->st->blobs, "Microsoft.Default/" SERIES "/1.2.3.1.dcm", &tier), -ELOOP);
	/* Nor may one lead to another file of a tier, or out of it. */
	assert_int_equal(unlink(path), 0);
	snprintf(other, sizeof other, "%s/Microsoft.Default/" SERIES "/../1.2.3/1.2.3.1.dcm", f->cold);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(blob_open(f->st->blobs, "Microsoft.Default/" SERIES "/1.2.3.1.dcm", &fd), -ELOOP);
	/* What it is nobody knows: the row stays. */
	assert_string_equal(check(f, true), "changed 1.2.3.1.dcm");
	/* Nor is it ours to remove. */
	assert_int_equal(store_delete_id(f->st, id, 0, NULL), 0);
	assert_int_equal(lstat(path, &sb), 0);
	assert_string_equal(check(f, true), "");
	/* One that no row is of is nothing at all. */
	public_path(f, "1.2.3.9", path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_string_equal(check(f, true), "");
	/* In a tier, neither. */
	tier_file(f->cold, "1.2.3.2", path);
	snprintf(other, sizeof other, "%s/kept too", f->base);
	id = put(f, "1.2.3.2", 1);
	move(f, id, STORE_COLD);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_true(read_it(f, id, &err) < 0);
}

static void
test_a_link_that_is_lost_is_made_again(void **state)
{
	struct fixture *f = *state;
	uint64_t a = put(f, "1.2.3.1", 1), b = put(f, "1.2.3.2", 1);
	char path[300], text[400], moved[100];
	struct err err;

	move(f, a, STORE_COLD);
	move(f, b, STORE_COLD);
	public_path(f, "1.2.3.1", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(read_it(f, a, &err), -ESTALE);
	assert_string_equal(check(f, false), "tier 1.2.3.1.dcm, unknown 1.2.3.1.dcm");
	assert_string_equal(check(f, true), "tier 1.2.3.1.dcm (repaired)");
	assert_reads(f, a);
	assert_string_equal(check(f, false), "");
	/* Likewise when the directory is another. */
	snprintf(moved, sizeof moved, "%s/colder", f->base);
	assert_int_equal(rename(f->cold, moved), 0);
	strcpy(f->cold, moved);
	snprintf(text, sizeof text, "tier = cold %s\n", moved);
	write_conf(f, text);
	reopen(f);
	assert_int_equal(read_it(f, a, &err), -ESTALE);
	assert_string_equal(check(f, true), "tier 1.2.3.1.dcm (repaired), tier 1.2.3.2.dcm (repaired)");
	assert_reads(f, a);
	assert_reads(f, b);
	assert_string_equal(check(f, false), "");
}

static void
test_a_file_that_is_gone_is_missed(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put(f, "1.2.3.1", 1);
	char path[300];
	struct err err;

	move(f, id, STORE_COLD);
	tier_file(f->cold, "1.2.3.1", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(read_it(f, id, &err), -ESTALE);
	assert_non_null(strstr(err_text(&err), "BlobNotFound"));
	assert_string_equal(check(f, false), "missing 1.2.3.1.dcm");
	assert_string_equal(check(f, true), "missing 1.2.3.1.dcm (repaired)");
	assert_string_equal(place_of(f, "1.2.3.1"), "none");
	assert_string_equal(check(f, false), "");
}

/* -- a tier that is not there --------------------------------------------- */

static void
is_away(struct fixture *f, uint64_t id)
{
	struct store_file *file;
	struct err err;

	assert_int_equal(read_it(f, id, &err), -ESTALE);
	assert_non_null(strstr(err_text(&err), f->cold));
	assert_non_null(strstr(err_text(&err), "ContainerNotFound"));
	assert_int_equal(open_bytes(f->st, id, false, &file, &err), -ENOMEDIUM);
	check(f, true);
	assert_non_null(strstr(f->found, "away cold"));
	assert_null(strstr(f->found, "repaired"));
	assert_true(f->away == 1);
	assert_string_equal(reclaim(f), "");
}

static void
test_nothing_is_lost_with_a_tier_that_is_away(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put(f, "1.2.3.1", 1), hot = put(f, "1.2.3.2", 1);
	char away[120];
	struct check_totals totals;
	struct err err = { 0 };

	move(f, id, STORE_COLD);
	snprintf(away, sizeof away, "%s.away", f->cold);
	assert_int_equal(rename(f->cold, away), 0);
	is_away(f, id);
	/* A mount point without its mount. */
	assert_int_equal(mkdir(f->cold, 0777), 0);
	is_away(f, id);
	reopen(f);
	is_away(f, id);
	assert_reads(f, hot);
	/* Nothing is put there either. */
	{
		const struct tier_request rq = { .tier = STORE_COLD, .nodes = &hot, .n_nodes = 1 };
		char operation[OPERATION_TEXT_MAX];
		struct operation op;

		assert_int_equal(store_begin_tiering(f->st, &rq, operation, &err), 0);
		assert_int_equal(store_tier_step(f->st, operation, NULL, &err), 0);
		assert_int_equal(store_operation(f->st, operation, take_operation, &op, &err), 0);
		assert_int_equal(op.state, STORE_OPERATION_FAILED);
		assert_non_null(strstr(op.why, f->cold));
	}
	/* An index is not made again of what is left. */
	store_close(f->st);
	f->st = NULL;
	assert_true(store_rebuild(f->store, &totals, &err) < 0);
	assert_int_equal(rmdir(f->cold), 0);
	assert_true(store_rebuild(f->store, &totals, &err) < 0);
	assert_int_equal(rename(away, f->cold), 0);
	open_store(f);
	assert_reads(f, id);
	assert_string_equal(check(f, false), "");
	store_close(f->st);
	f->st = NULL;
	assert_int_equal(store_rebuild(f->store, &totals, &err), 0);
	assert_true(totals.instances == 2);
	open_store(f);
	assert_string_equal(check(f, false), "");
}

/* No row tells of it: as when the first move was killed before it wrote any. */
static void
test_no_mark_is_made_where_one_was(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put(f, "1.2.3.1", 1);
	const struct tier_request rq = { .tier = STORE_COLD, .nodes = &id, .n_nodes = 1 };
	char away[120], mark[140], operation[OPERATION_TEXT_MAX];
	struct operation op;
	struct err err = { 0 };

	move(f, id, STORE_COLD);
	move(f, id, STORE_HOT);
	snprintf(away, sizeof away, "%s.away", f->cold);
	snprintf(mark, sizeof mark, "%s/" BLOB_TIER_MARK, f->cold);
	assert_int_equal(rename(f->cold, away), 0);
	assert_int_equal(mkdir(f->cold, 0777), 0);
	reopen(f);
	assert_int_equal(store_begin_tiering(f->st, &rq, operation, &err), 0);
	assert_int_equal(store_tier_step(f->st, operation, NULL, &err), 0);
	assert_int_equal(store_operation(f->st, operation, take_operation, &op, &err), 0);
	assert_int_equal(op.state, STORE_OPERATION_FAILED);
	assert_non_null(strstr(op.why, f->cold));
	assert_int_equal(access(mark, F_OK), -1);
	assert_int_equal(rmdir(f->cold), 0);
	assert_int_equal(rename(away, f->cold), 0);
	assert_int_equal(move(f, id, STORE_COLD), 1);
	assert_reads(f, id);
}

static void
test_what_is_deleted_while_its_tier_is_away_is_reclaimed(void **state)
{
	struct fixture *f = *state;
	uint64_t id = put(f, "1.2.3.1", 1), other = put(f, "1.2.3.2", 1);
	char away[120];

	move(f, id, STORE_COLD);
	move(f, other, STORE_COLD);
	snprintf(away, sizeof away, "%s.away", f->cold);
	assert_int_equal(rename(f->cold, away), 0);
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(store_delete_id(f->st, id, 0, NULL), 0);
	put(f, "1.2.3.2", 2);
	log_set_level(LOG_LEVEL_INFO);
	assert_int_equal(rename(away, f->cold), 0);
	assert_true(is_in(f->cold, "1.2.3.1") && is_in(f->cold, "1.2.3.2"));
	reclaim(f);
	assert_non_null(strstr(f->found, "removed cold:1.2.3.1.dcm"));
	assert_non_null(strstr(f->found, "removed cold:1.2.3.2.dcm"));
	assert_false(is_in(f->cold, "1.2.3.1") || is_in(f->cold, "1.2.3.2"));
	assert_string_equal(check(f, false), "");
}

/* -- files that no name leads to ------------------------------------------ */

static void
test_files_of_tiers_that_nobody_is_led_to(void **state)
{
	struct fixture *f = *state;
	uint64_t a = put(f, "1.2.3.1", 1), b = put(f, "1.2.3.2", 1);
	char from[300], to[300], public[300];
	struct check_totals totals;

	move(f, a, STORE_COLD);
	/* Beside the bytes of an instance: it is a copy too many. */
	public_path(f, "1.2.3.2", from);
	tier_file(f->cold, "1.2.3.2", to);
	copy_file(from, to);
	assert_string_equal(check(f, true), "unknown 1.2.3.2.dcm");
	assert_string_equal(reclaim(f), "removed cold:1.2.3.2.dcm");
	assert_false(is_in(f->cold, "1.2.3.2"));
	assert_reads(f, b);
	/* Of no instance that ever was: it stays, and can be indexed. */
	put(f, "1.2.3.3", 1);
	public_path(f, "1.2.3.3", public);
	snprintf(from, sizeof from, "%s/kept", f->base);
	copy_file(public, from);
	assert_int_equal(unlink(public), 0);
	store_close(f->st);
	f->st = NULL;
	/* A new index, whose feed knows nothing of it. */
	assert_int_equal(store_rebuild(f->store, &totals, NULL), 0);
	open_store(f);
	tier_file(f->cold, "1.2.3.3", to);
	copy_file(from, to);
	assert_string_equal(reclaim(f), "kept cold:1.2.3.3.dcm");
	assert_string_equal(check(f, true), "unknown 1.2.3.3.dcm (repaired)");
	assert_string_equal(place_of(f, "1.2.3.3"), "cold");
	assert_string_equal(check(f, false), "");
}

/* -- what a store refuses ------------------------------------------------- */

static void
refuses(struct fixture *f, const char *text, const char *why)
{
	struct err err = { 0 };

	store_close(f->st);
	f->st = NULL;
	write_conf(f, text);
	assert_true(store_open(f->store, NULL, &f->st, &err) < 0);
	if (strstr(err_text(&err), why) == NULL)
		fail_msg("\"%s\" is not \"%s\"", err_text(&err), why);
}

static void
test_places_that_cannot_be(void **state)
{
	struct fixture *f = *state;
	const struct tier_request none = { .tier = STORE_COOL };
	char text[400], id[OPERATION_TEXT_MAX];
	uint64_t instance = put(f, "1.2.3.1", 1);
	struct err err = { 0 };
	struct stat sb;

	assert_int_equal(store_begin_tiering(f->st, &none, id, &err), -EINVAL);
	move(f, instance, STORE_COLD);
	snprintf(text, sizeof text, "tier = cold %s\ntier = cool /no/such/directory\n", f->cold);
	refuses(f, text, "/no/such/directory of the tier cool: no such directory");
	snprintf(text, sizeof text, "tier = cold %s\ntier = cool %s/AHDS\n", f->cold, f->store);
	refuses(f, text, "lie in each other");
	snprintf(text, sizeof text, "tier = cold %s\ntier = cool %s\n", f->cold, f->base);
	refuses(f, text, "lie in each other");
	snprintf(text, sizeof text, "tier = cold %s\ntier = cool %s/../cold\n", f->cold, f->archive);
	refuses(f, text, "the tiers cool and cold have the same directory");
	refuses(f, "nonsense", "tiers.conf:1: not of the form key = value");
	snprintf(text, sizeof text, "tier = archive %s\n", f->archive);
	refuses(f, text, "files are in the tier cold, for which tiers.conf has no line");
	/* Another store's. */
	snprintf(text, sizeof text, "%s/other", f->base);
	assert_int_equal(store_init(text, NULL, NULL, NULL), 0);
	strcpy(f->store, text);
	snprintf(text, sizeof text, "tier = cool %s\n", f->cold);
	refuses(f, text, "belongs to another store");
	write_usual_conf(f);
	assert_int_equal(stat(f->cold, &sb), 0);
	snprintf(text, sizeof text, "tier = archive %s\n", f->archive);
	write_conf(f, text);
	open_store(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_move_changes_no_instance, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_has_it_open_keeps_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_archived_is_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rules_are_applied, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_replaced_or_deleted_leaves_its_tier, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_updated_is_hot_and_its_first_version_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_other_link_is_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_link_that_is_lost_is_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_is_gone_is_missed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_lost_with_a_tier_that_is_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_mark_is_made_where_one_was, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_deleted_while_its_tier_is_away_is_reclaimed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_of_tiers_that_nobody_is_led_to, setup, teardown),
		cmocka_unit_test_setup_teardown(test_places_that_cannot_be, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
