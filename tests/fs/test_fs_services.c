/* The numbers by which a mount of several stores tells their nodes apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/log.h"
#include "fs/services.h"
#include "tests/unit/scratch.h"

#define N 3

struct fixture {
	char dir[SCRATCH_MAX];
	struct store *st[N];
};

static void
open_them(struct fixture *f)
{
	char path[80];
	struct err err;
	int i;

	for (i = 0; i < N; i++) {
		snprintf(path, sizeof path, "%s/%d", f->dir, i);
		assert_int_equal(store_open(path, NULL, &f->st[i], &err), 0);
	}
}

static void
close_them(struct fixture *f)
{
	int i;

	for (i = 0; i < N; i++) {
		store_close(f->st[i]);
		f->st[i] = NULL;
	}
}

static int
setup(void **state)
{
	static const char *const services[N] = { "c", "a", "b" };
	static struct fixture f;
	char path[80];
	struct err err;
	int i;

	log_set_level(LOG_LEVEL_ERROR);
	if (scratch_make(f.dir, "services", false) < 0)
		return -1;
	for (i = 0; i < N; i++) {
		snprintf(path, sizeof path, "%s/%d", f.dir, i);
		if (store_init(path, "w", services[i], &err) < 0)
			return -1;
	}
	open_them(&f);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	close_them(f);
	return scratch_remove(f->dir);
}

static void
each_gets_one_and_keeps_it(void **state)
{
	struct fixture *f = *state;
	struct store *other[N] = { f->st[2], f->st[0], f->st[1] };
	unsigned first[N];
	struct err err;
	int i;

	assert_int_equal(store_number(f->st[0]), 0);
	assert_int_equal(services_number(f->st, N, &err), 0);
	for (i = 0; i < N; i++)
		first[i] = store_number(f->st[i]);
	assert_true(first[0] != 0 && first[1] != 0 && first[2] != 0);
	assert_true(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
	assert_int_equal(services_number(other, N, &err), 0);
	for (i = 0; i < N; i++)
		assert_int_equal(store_number(f->st[i]), first[i]);
	close_them(f);
	open_them(f);
	for (i = 0; i < N; i++)
		assert_int_equal(store_number(f->st[i]), first[i]);
}

static void
of_two_with_the_same_one_keeps_it(void **state)
{
	struct fixture *f = *state;
	struct store *other[N] = { f->st[1], f->st[2], f->st[0] };
	struct err err;

	assert_int_equal(store_set_number(f->st[0], 7, &err), 0);
	assert_int_equal(store_set_number(f->st[1], 7, &err), 0);
	assert_int_equal(store_set_number(f->st[2], 9, &err), 0);
	assert_int_equal(services_number(f->st, N, &err), 0);
	/* w-a comes before w-c, whatever the order here */
	assert_int_equal(store_number(f->st[1]), 7);
	assert_int_equal(store_number(f->st[2]), 9);
	assert_true(store_number(f->st[0]) != 7 && store_number(f->st[0]) != 9 && store_number(f->st[0]) != 0);
	assert_int_equal(store_set_number(f->st[0], 7, &err), 0);
	assert_int_equal(services_number(other, N, &err), 0);
	assert_int_equal(store_number(f->st[1]), 7);
	assert_int_not_equal(store_number(f->st[0]), 7);
}

static void
the_last_free_one_is_found(void **state)
{
	struct fixture *f = *state;
	struct store *two[2] = { f->st[0], f->st[1] };
	struct err err;

	assert_int_equal(store_set_number(f->st[0], STORE_NUMBER_MAX, &err), 0);
	assert_int_equal(store_set_number(f->st[1], STORE_NUMBER_MAX, &err), 0);
	assert_int_equal(services_number(two, 2, &err), 0);
	assert_int_equal(store_number(f->st[1]), STORE_NUMBER_MAX);
	assert_in_range(store_number(f->st[0]), 1, STORE_NUMBER_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_gets_one_and_keeps_it, setup, teardown),
		cmocka_unit_test_setup_teardown(of_two_with_the_same_one_keeps_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_free_one_is_found, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
