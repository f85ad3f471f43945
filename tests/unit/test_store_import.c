/* The error-container and its queue: what is refused is kept, under names that are safe. */
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
#include <unistd.h>

#include "store/import.h"
#include "tests/unit/scratch.h"

struct fixture {
	char dir[SCRATCH_MAX];
	struct store *st;
	struct ingest_result result;
	struct err err;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	if (scratch_store(f->dir, "import", NULL, NULL, &f->st, &f->err) < 0)
		return -1;
	err_set_dicom(&f->err, -EINVAL, 43264, 0x00100020, "(0010,0020): it says \"no\"");
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int r;

	store_close(f->st);
	r = scratch_remove(f->dir);
	free(f);
	return r;
}

/* A file of these bytes; with a name, or without any more. */
static int
file_of(struct fixture *f, const char *bytes, bool named)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/staging/test", f->dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	if (!named)
		unlink(path);
	return fd;
}

static int
refuse(struct fixture *f, const char *path, const char *bytes, bool named)
{
	char staged[128];
	int fd = file_of(f, bytes, named), r;

	r = store_refuse_import(f->st, fd, path, &f->result, &f->err);
	close(fd);
	snprintf(staged, sizeof staged, "%s/staging/test", f->dir);
	unlink(staged);
	return r;
}

static void
holds(struct fixture *f, const char *path, const char *bytes)
{
	char got[4096];
	ssize_t n;
	int fd;

	assert_int_equal(store_open_refused(f->st, path, &fd), 0);
	n = read(fd, got, sizeof got - 1);
	assert_true(n >= 0);
	got[n] = '\0';
	close(fd);
	if (strstr(got, bytes) == NULL)
		fail_msg("%s holds %s, not %s", path, got, bytes);
}

static void
lacks(struct fixture *f, const char *path)
{
	int fd;

	assert_int_equal(store_open_refused(f->st, path, &fd), -ENOENT);
}

static void
paths_stay_inside(void **state)
{
	static const char *const bad[] = { "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b" };
	static const char *const good[] = { "a", "a/b", "...", "..a/b..", ".a", "\xff\xfe", "a b\n" };
	char name[STORE_IMPORT_PATH_MAX + 8];
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(store_import_path_is_valid(bad[i]));
		assert_int_equal(refuse(f, bad[i], "x", true), -EINVAL);
		assert_int_equal(store_rename_refused(f->st, "a", bad[i]), -EINVAL);
	}
	for (i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(store_import_path_is_valid(good[i]));
	memset(name, 'n', sizeof name);
	name[STORE_IMPORT_NAME_MAX] = '\0';
	assert_int_equal(refuse(f, name, "long", true), 0);
	holds(f, name, "long");
	name[STORE_IMPORT_NAME_MAX] = 'n';
	name[STORE_IMPORT_NAME_MAX + 1] = '\0';
	assert_false(store_import_path_is_valid(name));
	memset(name, 'n', sizeof name);
	for (i = 100; i < sizeof name; i += 100)
		name[i] = '/';
	name[STORE_IMPORT_PATH_MAX + 1] = '\0';
	assert_false(store_import_path_is_valid(name));
}

static void
a_file_is_kept_with_its_report(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(refuse(f, "a/b", "first", true), 0);
	holds(f, "a/b", "first");
	holds(f, "a/b.error.json", "\"path\":\"a/b\"");
	holds(f, "a/b.error.json", "\"errors\":[\"DICOM100: (0010,0020) - it says \\\"no\\\"\"]");
	/* its name in staging has gone, as that of a job that lost a race */
	assert_int_equal(refuse(f, "a/b", "second", false), 0);
	holds(f, "a/b", "second");
}

static void
the_latest_takes_the_name(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(refuse(f, "a", "file", true), 0);
	assert_int_equal(refuse(f, "a/b/c", "below", true), 0);
	holds(f, "a/b/c", "below");
	assert_int_equal(refuse(f, "a/b", "file", true), 0);
	holds(f, "a/b", "file");
	assert_int_equal(refuse(f, "a", "again", false), 0);
	holds(f, "a", "again");
}

static void
what_is_renamed_takes_its_report_along(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(refuse(f, "d/.tmp", "x", true), 0);
	assert_int_equal(refuse(f, "e/name", "older", true), 0);
	assert_int_equal(store_rename_refused(f->st, "d/.tmp", "e/name"), 0);
	holds(f, "e/name", "x");
	holds(f, "e/name.error.json", "\"name\":\"name\",\"path\":\"e/name\"");
	lacks(f, "d/.tmp");
	lacks(f, "d/.tmp.error.json");
	assert_int_equal(store_rename_refused(f->st, "d/.tmp", "e/other"), -ENOENT);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(paths_stay_inside),
		TEST(a_file_is_kept_with_its_report),
		TEST(the_latest_takes_the_name),
		TEST(what_is_renamed_takes_its_report_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
