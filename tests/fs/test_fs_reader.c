/* The seat at the device (reader.h), with a socket of packets in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fs/reader.h"

#define N_THREADS 4
#define SECOND INT64_C(1000000000)

/* A request says how long its work takes, us. */
struct request {
	struct fuse_in_header head;
	uint32_t work;
};

struct fixture {
	struct reader reader;
	int kernel, device;
	pthread_t threads[N_THREADS];
	pthread_mutex_t lock;		/* guards the next two */
	int64_t begun[10000];		/* when the work on request i began */
	pthread_t by[10000];
	atomic_uint done, ended;
};

static void *
serve(void *arg)
{
	struct fixture *f = arg;
	struct request q;

	while (reader_read(&f->reader, &q, sizeof q) > 0) {
		pthread_mutex_lock(&f->lock);
		f->begun[q.head.unique] = clock_monotonic();
		f->by[q.head.unique] = pthread_self();
		pthread_mutex_unlock(&f->lock);
		if (q.work > 0)
			usleep(q.work);
		atomic_fetch_add(&f->done, 1);
	}
	atomic_fetch_add(&f->ended, 1);
	return NULL;
}

static void
start(struct fixture *f, bool awake)
{
	int pair[2], i;

	memset(f, 0, sizeof *f);
	pthread_mutex_init(&f->lock, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	f->kernel = pair[0];
	f->device = pair[1];
	assert_int_equal(reader_open(&f->reader, f->device, awake), 0);
	for (i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&f->threads[i], NULL, serve, f), 0);
}

static void
finish(struct fixture *f)
{
	int i;

	reader_stop(&f->reader);
	for (i = 0; i < N_THREADS; i++)
		pthread_join(f->threads[i], NULL);
	assert_int_equal(atomic_load(&f->ended), N_THREADS);
	reader_close(&f->reader);
	close(f->kernel);
	close(f->device);
	pthread_mutex_destroy(&f->lock);
}

static void
ask(struct fixture *f, uint64_t unique, uint32_t opcode, uint32_t work)
{
	struct request q = { .head = { .len = sizeof q, .opcode = opcode, .unique = unique }, .work = work };

	assert_int_equal(write(f->kernel, &q, sizeof q), sizeof q);
}

static bool
wait_done(struct fixture *f, unsigned n)
{
	int64_t until = clock_monotonic() + 20 * SECOND;

	while (atomic_load(&f->done) < n && clock_monotonic() < until)
		usleep(100);
	return atomic_load(&f->done) >= n;
}

static bool
wait_begun(struct fixture *f, uint64_t i)
{
	int64_t until = clock_monotonic() + 20 * SECOND, begun = 0;

	while (begun == 0 && clock_monotonic() < until) {
		usleep(100);
		pthread_mutex_lock(&f->lock);
		begun = f->begun[i];
		pthread_mutex_unlock(&f->lock);
	}
	return begun != 0;
}

static struct fixture fixture;

static void
every_request_is_served_once(void **state)
{
	struct fixture *f = &fixture;
	unsigned i, mode;

	(void)state;
	for (mode = 0; mode < 2; mode++) {
		start(f, mode == 1);
		for (i = 1; i < 10000; i++) {
			ask(f, i, i % 7 == 0 ? FUSE_FSYNC : FUSE_LOOKUP, i % 100 == 0 ? 300 : 0);
			if (i % 500 == 0)
				usleep(3000);
		}
		assert_true(wait_done(f, 9999));
		finish(f);
		assert_int_equal(atomic_load(&f->done), 9999);
		for (i = 1; i < 10000; i++)
			assert_true(f->begun[i] != 0);
	}
}

/* What is thought to be short and is not keeps nobody waiting, however often and after whatever pause. */
static void
the_seat_is_taken_away(void **state)
{
	struct fixture *f = &fixture;
	unsigned i;

	(void)state;
	for (i = 0; i < 6; i++) {
		start(f, i % 2 == 0);
		ask(f, 1, FUSE_LOOKUP, 0);
		assert_true(wait_done(f, 1));
		usleep(i < 2 ? 0 : i < 4 ? 1000 : 30000);
		ask(f, 2, FUSE_GETXATTR, 1000000);
		assert_true(wait_begun(f, 2));
		ask(f, 3, FUSE_GETXATTR, 1000000);
		assert_true(wait_begun(f, 3));
		ask(f, 4, FUSE_LOOKUP, 0);
		assert_true(wait_begun(f, 4));
		assert_true(f->begun[4] - f->begun[2] < SECOND / 2);
		assert_int_equal(atomic_load(&f->done), 2);
		finish(f);
	}
}

static void
long_work_is_done_beside_the_seat(void **state)
{
	struct fixture *f = &fixture;

	(void)state;
	start(f, true);
	ask(f, 1, FUSE_FSYNC, 500000);
	ask(f, 2, FUSE_FSYNC, 500000);
	ask(f, 3, FUSE_FSYNC, 500000);
	assert_true(wait_done(f, 3));
	assert_true(!pthread_equal(f->by[1], f->by[2]) && !pthread_equal(f->by[2], f->by[3]));
	finish(f);
}

static void
one_thread_serves_requests_that_follow_each_other(void **state)
{
	struct fixture *f = &fixture;
	unsigned i, same = 0;

	(void)state;
	start(f, true);
	for (i = 1; i <= 1000; i++) {
		ask(f, i, FUSE_LOOKUP, 0);
		assert_true(wait_done(f, i));
	}
	for (i = 2; i <= 1000; i++)
		same += pthread_equal(f->by[i], f->by[i - 1]) != 0;
	assert_true(same > 900);
	finish(f);
}

static void *
hog(void *arg)
{
	const atomic_bool *end = arg;

	while (!atomic_load(end))
		;
	return NULL;
}

/* All of it on one processor, and a thread beside it that wants it, too. */
static bool
rests_beside_a_hog(struct fixture *f, const cpu_set_t *one)
{
	atomic_bool end = false;
	pthread_t busy;
	unsigned i;

	start(f, true);
	for (i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_setaffinity_np(f->threads[i], sizeof *one, one), 0);
	assert_int_equal(pthread_create(&busy, NULL, hog, &end), 0);
	assert_int_equal(pthread_setaffinity_np(busy, sizeof *one, one), 0);
	for (i = 1; i < 300; i++) {
		ask(f, i, FUSE_LOOKUP, 0);
		assert_true(wait_done(f, i));
	}
	atomic_store(&end, true);
	pthread_join(busy, NULL);
	finish(f);
	return f->reader.patience.rest_until > 0;
}

static void
who_takes_the_processor_from_others_sleeps(void **state)
{
	cpu_set_t all, one;
	unsigned tries = 0;
	int cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
	if (CPU_COUNT(&all) < 2)
		skip();
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	/* It may happen to be asleep whenever the other's turn comes. */
	while (!rests_beside_a_hog(&fixture, &one))
		assert_true(++tries < 20);
}

static void
stop_wakes_those_that_wait(void **state)
{
	struct fixture *f = &fixture;

	(void)state;
	start(f, true);
	usleep(20000);
	finish(f);
	start(f, false);
	finish(f);
}

static void
the_end_of_the_device_ends_all(void **state)
{
	struct fixture *f = &fixture;
	int64_t until = clock_monotonic() + 20 * SECOND;

	(void)state;
	start(f, true);
	ask(f, 1, FUSE_LOOKUP, 0);
	assert_true(wait_done(f, 1));
	shutdown(f->kernel, SHUT_RDWR);
	while (atomic_load(&f->ended) < N_THREADS && clock_monotonic() < until)
		usleep(1000);
	assert_int_equal(atomic_load(&f->ended), N_THREADS);
	finish(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_is_served_once),
		cmocka_unit_test(the_seat_is_taken_away),
		cmocka_unit_test(long_work_is_done_beside_the_seat),
		cmocka_unit_test(one_thread_serves_requests_that_follow_each_other),
		cmocka_unit_test(who_takes_the_processor_from_others_sleeps),
		cmocka_unit_test(stop_wakes_those_that_wait),
		cmocka_unit_test(the_end_of_the_device_ends_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
