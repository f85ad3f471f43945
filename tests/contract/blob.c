/* The contract of blob.h, held against every engine. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blob/blob.h"
#include "suite.h"
#include "tests/unit/scratch.h"

#define NAME "Microsoft.Default/1.2/1.2.3/1.2.3.4.dcm"

#define SHARED 1			/* trait: a second process sees the same blobs */

struct engine {
	int (*open)(const char *dir, struct blob_store **ret_blobs);
	struct blob_store *b;
	char dir[SCRATCH_MAX];
};

static int
open_dir(const char *dir, struct blob_store **ret_blobs)
{
	char data[128], staging[128];

	snprintf(data, sizeof data, "%s/AHDS/w/dicom/s", dir);
	snprintf(staging, sizeof staging, "%s/staging", dir);
	return blob_dir_open(data, staging, false, ret_blobs, NULL);
}

static int
open_mem(const char *dir, struct blob_store **ret_blobs)
{
	(void)dir;
	return blob_mem_open(ret_blobs, NULL);
}

static struct engine local = { .open = open_dir }, mem = { .open = open_mem };

static int
setup(void **state)
{
	struct engine *e = *state;
	int r;

	if (scratch_make(e->dir, "blob", false) < 0)
		return -1;
	r = e->open(e->dir, &e->b);
	return r < 0 ? r : blob_claim(e->b, 1);
}

static int
teardown(void **state)
{
	struct engine *e = *state;

	blob_close(e->b);
	e->b = NULL;
	return scratch_remove(e->dir);
}

static void
stage(struct engine *e, const char *name, const char *text)
{
	int fd;

	assert_int_equal(blob_stage_create(e->b, name, &fd), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(blob_sync(e->b, &fd, 1), 0);
	close(fd);
}

static void
expect_fd(int fd, const char *text)
{
	char got[100] = "";

	assert_int_equal(pread(fd, got, sizeof got - 1, 0), strlen(text));
	assert_string_equal(got, text);
}

static void
expect(struct engine *e, const char *text)
{
	int fd;

	assert_int_equal(blob_open(e->b, NAME, &fd), 0);
	expect_fd(fd, text);
	close(fd);
}

static void
what_is_staged_is_readable_there_and_nowhere_else(void **state)
{
	struct engine *e = *state;
	int fd;

	stage(e, "0000000000000001/a", "one");
	assert_int_equal(blob_stage_create(e->b, "0000000000000001/a", &fd), -EEXIST);
	assert_int_equal(blob_open(e->b, NAME, &fd), -ENOENT);
	assert_int_equal(blob_stage_open(e->b, "0000000000000001/a", &fd), 0);
	expect_fd(fd, "one");
	close(fd);
}

/* Or says that it cannot be, and nothing is there. */
static void
a_link_is_the_file_itself_under_the_name_of_a_stage(void **state)
{
	struct engine *e = *state;
	char path[sizeof e->dir + 8];
	int fd, own, r;

	snprintf(path, sizeof path, "%s/own", e->dir);
	own = open(path, O_RDWR | O_CREAT, 0666);
	assert_true(own >= 0);
	assert_int_equal(write(own, "one", 3), 3);
	r = blob_stage_link(e->b, own, "0000000000000001/a");
	assert_true(r == 0 || r == -EXDEV);
	assert_int_equal(blob_stage_open(e->b, "0000000000000001/a", &fd), r == 0 ? 0 : -ENOENT);
	if (r == 0) {
		expect_fd(fd, "one");
		close(fd);
		assert_int_equal(blob_stage_link(e->b, own, "0000000000000001/a"), -EEXIST);
		assert_int_equal(blob_publish(e->b, "0000000000000001/a", NAME), 0);
		expect(e, "one");
		assert_int_equal(blob_remove(e->b, NAME), 0);
		expect_fd(own, "one");
	}
	close(own);
}

static void
publish_moves_the_bytes_and_replaces_what_was_there(void **state)
{
	struct engine *e = *state;
	int fd, old;

	stage(e, "0000000000000001/a", "one");
	assert_int_equal(blob_publish(e->b, "0000000000000001/a", NAME), 0);
	expect(e, "one");
	assert_int_equal(blob_stage_open(e->b, "0000000000000001/a", &fd), -ENOENT);
	assert_int_equal(blob_open(e->b, NAME, &old), 0);
	stage(e, "0000000000000001/b", "two!");
	assert_int_equal(blob_publish(e->b, "0000000000000001/b", NAME), 0);
	expect(e, "two!");
	expect_fd(old, "one");
	close(old);
	assert_int_equal(blob_publish(e->b, "0000000000000001/b", NAME), -ENOENT);
}

static void
a_removed_blob_is_gone_but_readable_while_open(void **state)
{
	struct engine *e = *state;
	int fd;

	stage(e, "0000000000000001/a", "one");
	assert_int_equal(blob_publish(e->b, "0000000000000001/a", NAME), 0);
	assert_int_equal(blob_open(e->b, NAME, &fd), 0);
	assert_int_equal(blob_remove(e->b, NAME), 0);
	assert_int_equal(blob_remove(e->b, NAME), -ENOENT);
	if (e == &local) {
		char study[200];

		snprintf(study, sizeof study, "%s/AHDS/w/dicom/s/Microsoft.Default/1.2", e->dir);
		assert_int_equal(access(study, F_OK), -1);
	}
	expect_fd(fd, "one");
	close(fd);
	assert_int_equal(blob_open(e->b, NAME, &fd), -ENOENT);
}

static int
append_name(void *ctx, const char *name, uint64_t size, int64_t mtime)
{
	sprintf((char *)ctx + strlen(ctx), "%s:%u ", name, (unsigned)size);
	return mtime > 0 ? 0 : -1;
}

static int
append_stage(void *ctx, const char *name, uint64_t owner, bool alive)
{
	sprintf((char *)ctx + strlen(ctx), "%s:%u%s ", name, (unsigned)owner, alive ? "!" : "");
	return 0;
}

static void
walks_find_blobs_and_stages_each_once(void **state)
{
	struct engine *e = *state;
	char list[400] = "";

	stage(e, "0000000000000001/a", "one");
	stage(e, "0000000000000001/b", "two");
	assert_int_equal(blob_publish(e->b, "0000000000000001/a", NAME), 0);
	assert_int_equal(blob_stage_rename(e->b, "0000000000000001/b", "0000000000000001/b@P"), 0);
	assert_int_equal(blob_walk(e->b, append_name, list), 0);
	assert_string_equal(list, NAME ":3 ");
	list[0] = '\0';
	assert_int_equal(blob_walk_staging(e->b, append_stage, list), 0);
	assert_string_equal(list, "0000000000000001/b@P:1 ");
	assert_int_equal(blob_stage_remove(e->b, "0000000000000001/b@P"), 0);
	assert_int_equal(blob_stage_remove(e->b, "0000000000000001/b@P"), -ENOENT);
}

/* What an instance had first keeps its bytes by another name, while another version takes the public one. */
static void
an_original_stays_beside_what_replaced_it(void **state)
{
	static const char first[] = "Microsoft.Default/1.2/1.2.3/" BLOB_ORIGINALS "/1.2.3.4.dcm";
	struct engine *e = *state;
	char list[400] = "";
	int fd;

	stage(e, "0000000000000001/a", "first");
	assert_int_equal(blob_publish(e->b, "0000000000000001/a", NAME), 0);
	assert_int_equal(blob_open(e->b, NAME, &fd), 0);
	assert_int_equal(blob_stage_link(e->b, fd, "0000000000000001/b"), 0);
	assert_int_equal(blob_stage_link(e->b, fd, "0000000000000001/b"), -EEXIST);
	close(fd);
	stage(e, "0000000000000001/c", "latest");
	assert_int_equal(blob_publish(e->b, "0000000000000001/c", NAME), 0);
	assert_int_equal(blob_publish(e->b, "0000000000000001/b", first), 0);
	expect(e, "latest");
	assert_int_equal(blob_open(e->b, first, &fd), 0);
	expect_fd(fd, "first");
	close(fd);
	assert_int_equal(blob_walk(e->b, append_name, list), 0);
	assert_non_null(strstr(list, NAME ":6 "));
	assert_non_null(strstr(list, first));
	assert_int_equal(blob_remove(e->b, NAME), 0);
	assert_int_equal(blob_remove(e->b, first), 0);
	list[0] = '\0';
	assert_int_equal(blob_walk(e->b, append_name, list), 0);
	assert_string_equal(list, "");
}

static void
stages_of_a_living_process_are_told_from_a_dead_ones(void **state)
{
	struct engine *e = *state;
	struct blob_store *other;
	char list[400] = "";
	int to_child[2], to_parent[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(to_child), 0);
	assert_int_equal(pipe(to_parent), 0);
	pid = fork();
	if (pid == 0) {
		int fd;

		if (e->open(e->dir, &other) < 0 || blob_claim(other, 2) < 0 ||
		    blob_stage_create(other, "0000000000000002/x", &fd) < 0)
			_exit(1);
		if (write(to_parent[1], "r", 1) == 1 && read(to_child[0], &c, 1) >= 0)
			_exit(0);	/* without blob_close: killed */
		_exit(1);
	}
	assert_int_equal(read(to_parent[0], &c, 1), 1);
	assert_int_equal(blob_walk_staging(e->b, append_stage, list), 0);
	assert_string_equal(list, "0000000000000002/x:2! ");
	assert_int_equal(blob_tidy_staging(e->b), 0);
	assert_int_equal(write(to_child[1], "q", 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	list[0] = '\0';
	assert_int_equal(blob_walk_staging(e->b, append_stage, list), 0);
	assert_string_equal(list, "0000000000000002/x:2 ");
	assert_int_equal(blob_stage_remove(e->b, "0000000000000002/x"), 0);
	assert_int_equal(blob_tidy_staging(e->b), 0);
	/* The number's directory is gone: it may be claimed as if it never was. */
	assert_int_equal(e->open(e->dir, &other), 0);
	assert_int_equal(blob_claim(other, 2), 0);
	blob_close(other);
	close(to_child[0]);
	close(to_child[1]);
	close(to_parent[0]);
	close(to_parent[1]);
}

/* Another process tidies up at the moment of a claim. */
static void
a_claim_holds_beside_who_tidies_up(void **state)
{
	struct engine *e = *state;
	struct blob_store *other;
	char stage[64];
	pid_t pid;
	int i, fd;

	if (e->open(e->dir, &other) < 0)
		fail();
	pid = fork();
	if (pid == 0) {
		alarm(60);
		for (;;)
			blob_tidy_staging(other);
	}
	blob_close(other);
	for (i = 2; i < 3000; i++) {
		assert_int_equal(e->open(e->dir, &other), 0);
		assert_int_equal(blob_claim(other, (uint64_t)i), 0);
		snprintf(stage, sizeof stage, "%016x/1", (unsigned)i);
		assert_int_equal(blob_stage_create(other, stage, &fd), 0);
		close(fd);
		assert_int_equal(blob_stage_remove(other, stage), 0);
		assert_int_equal(blob_stage_create(other, stage, &fd), 0);
		close(fd);
		assert_int_equal(blob_stage_remove(other, stage), 0);
		blob_close(other);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int
main(void)
{
	static const struct suite_engine engines[] = {
		{ "dir", SHARED, &local },
		{ "mem", 0, &mem },
	};
	static const struct suite_case cases[] = {
		SUITE_CASE(what_is_staged_is_readable_there_and_nowhere_else, 0),
		SUITE_CASE(a_link_is_the_file_itself_under_the_name_of_a_stage, 0),
		SUITE_CASE(publish_moves_the_bytes_and_replaces_what_was_there, 0),
		SUITE_CASE(a_removed_blob_is_gone_but_readable_while_open, 0),
		SUITE_CASE(walks_find_blobs_and_stages_each_once, 0),
		SUITE_CASE(an_original_stays_beside_what_replaced_it, 0),
		SUITE_CASE(stages_of_a_living_process_are_told_from_a_dead_ones, SHARED),
		SUITE_CASE(a_claim_holds_beside_who_tidies_up, SHARED),
	};

	return suite_run("blob", engines, sizeof engines / sizeof *engines, cases, sizeof cases / sizeof *cases,
			 setup, teardown);
}
