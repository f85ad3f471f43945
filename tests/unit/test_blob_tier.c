/* Blobs in directories of tiers: a name and what it leads to are one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "blob/blob.h"
#include "tests/unit/scratch.h"

#define NAME "p/1/2/3.dcm"

static void
stage(struct blob_store *b, const char *name, const char *text)
{
	int fd;

	assert_int_equal(blob_stage_create(b, name, &fd), 0);
	assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void
lead(struct blob_store *b, unsigned tier, const char *name)
{
	int fd, copy;

	assert_int_equal(blob_open(b, NAME, &fd), 0);
	assert_int_equal(blob_tier_copy(b, fd, tier, name, NULL, &copy), 0);
	assert_int_equal(blob_tier_place(b, NAME, tier, name), 0);
	assert_int_equal(blob_tier_lead(b, NAME, tier, name, copy), 0);
	close(copy);
	close(fd);
}

static int
take_size(void *ctx, const char *name, uint64_t size, int64_t mtime)
{
	(void)mtime;
	assert_string_equal(name, NAME);
	*(uint64_t *)ctx = size;
	return 0;
}

static void
test_a_name_takes_what_it_leads_to_along(void **state)
{
	char base[SCRATCH_MAX], data[100], staging[100], cold[100], command[300];
	struct blob_store *b;
	uint64_t size = 0;
	unsigned tier;
	int fd;

	(void)state;
	assert_int_equal(scratch_make(base, "blobs", false), 0);
	snprintf(data, sizeof data, "%s/data", base);
	snprintf(staging, sizeof staging, "%s/staging", base);
	snprintf(cold, sizeof cold, "%s/cold", base);
	assert_int_equal(mkdir(cold, 0777), 0);
	assert_int_equal(blob_dir_open(data, staging, false, &b, NULL), 0);
	assert_int_equal(blob_claim(b, 1), 0);
	assert_int_equal(blob_set_tier(b, 2, cold, "mark"), 0);
	assert_int_equal(blob_tier_look(b, 2), -ENOMEDIUM);
	assert_int_equal(blob_tier_begin(b, 2), 0);
	assert_int_equal(blob_tier_look(b, 2), 0);
	assert_int_equal(blob_tier_begin(b, 2), -EEXIST);
	assert_int_equal(blob_set_tier(b, 2, cold, "another"), 0);
	assert_int_equal(blob_tier_look(b, 2), -EBUSY);
	assert_int_equal(blob_set_tier(b, 2, cold, "mark"), 0);
	assert_int_equal(blob_tier(b, NAME, &tier), -ENOENT);
	stage(b, "0000000000000001/1", "first");
	assert_int_equal(blob_publish(b, "0000000000000001/1", NAME), 0);
	lead(b, 2, "0000000000000001/2");
	assert_int_equal(blob_tier(b, NAME, &tier), 0);
	assert_int_equal(tier, 2);
	assert_int_equal(blob_walk(b, take_size, &size), 0);
	assert_true(size == 5);
	assert_int_equal(blob_tier_walk(b, 2, take_size, &size), 0);
	/* Nobody is led to it any more. */
	stage(b, "0000000000000001/3", "second");
	assert_int_equal(blob_publish(b, "0000000000000001/3", NAME), 0);
	assert_int_equal(blob_tier_open(b, NAME, 2, &fd), -ENOENT);
	assert_int_equal(blob_tier(b, NAME, &tier), 0);
	assert_int_equal(tier, 0);
	lead(b, 2, "0000000000000001/4");
	lead(b, 0, "0000000000000001/5");
	assert_int_equal(blob_tier_open(b, NAME, 2, &fd), 0);
	close(fd);
	assert_int_equal(blob_tier_drop(b, NAME), 0);
	assert_int_equal(blob_tier_open(b, NAME, 2, &fd), -ENOENT);
	lead(b, 2, "0000000000000001/6");
	assert_int_equal(blob_tier_drop(b, NAME), 0);
	snprintf(command, sizeof command, "mv %s %s.away", cold, cold);
	assert_int_equal(system(command), 0);
	assert_int_equal(blob_open(b, NAME, &fd), -ENOMEDIUM);
	assert_int_equal(blob_walk(b, take_size, &size), 0);
	assert_true(size == BLOB_AWAY);
	snprintf(command, sizeof command, "mv %s.away %s", cold, cold);
	assert_int_equal(system(command), 0);
	assert_int_equal(blob_remove(b, NAME), 0);
	assert_int_equal(blob_tier_open(b, NAME, 2, &fd), -ENOENT);
	assert_int_equal(blob_tier(b, NAME, &tier), -ENOENT);
	blob_close(b);
	assert_int_equal(scratch_remove(base), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_name_takes_what_it_leads_to_along),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
