#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web/socket.h"
#include "web/watch.h"

static int ends[2];

static int
open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static int
close_pair(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* What a worker in civetweb's recv sees; -1 when nothing happened in time. */
static int
wait_for_end(int ms)
{
	struct pollfd p = { .fd = ends[0], .events = POLLIN };
	char c;

	return poll(&p, 1, ms) == 1 ? (int)recv(ends[0], &c, 1, 0) : -1;
}

static void
an_overdue_transfer_is_shut_down(void **state)
{
	struct watch_slot *slot;
	struct watch *watch;

	(void)state;
	assert_int_equal(watch_start(1, &watch), 0);
	slot = watch_open(watch, ends[0]);
	watch_arm(slot, 0);
	assert_int_equal(wait_for_end(10000), 0);
	watch_close(slot);
	watch_stop(watch);
}

static void
a_transfer_in_time_is_left_alone(void **state)
{
	struct watch_slot *early, *large;
	struct watch *watch;
	int other[2];

	(void)state;
	assert_int_equal(watch_start(1, &watch), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
	early = watch_open(watch, ends[0]);
	watch_arm(early, 0);
	watch_disarm(early);
	/* Many bytes have more time; the other one tells that the watch has looked. */
	large = watch_open(watch, ends[0]);
	watch_arm(large, 1 << 30);
	{
		struct watch_slot *slot = watch_open(watch, other[0]);
		struct pollfd p = { .fd = other[0], .events = POLLIN };

		watch_arm(slot, 0);
		assert_int_equal(poll(&p, 1, 10000), 1);
		watch_close(slot);
	}
	assert_int_equal(wait_for_end(0), -1);
	watch_close(early);
	watch_close(large);
	watch_stop(watch);
	close(other[0]);
	close(other[1]);
}

static void
without_a_socket_nothing_is_watched(void **state)
{
	struct watch *watch;

	(void)state;
	assert_int_equal(watch_start(1, &watch), 0);
	assert_null(watch_open(watch, -1));
	watch_arm(NULL, 1);
	watch_disarm(NULL);
	watch_close(NULL);
	watch_stop(watch);
	watch_stop(NULL);
}

static void
a_socket_is_found_by_its_peer(void **state)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, there;
	socklen_t len = sizeof here;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0), server;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&here, sizeof here), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&here, sizeof here), 0);
	server = accept(listener, NULL, NULL);
	len = sizeof there;
	assert_int_equal(getsockname(client, (struct sockaddr *)&there, &len), 0);
	assert_int_equal(socket_find("127.0.0.1", ntohs(there.sin_port), ntohs(here.sin_port), 3), server);
	assert_int_equal(socket_find("127.0.0.1", ntohs(there.sin_port), ntohs(here.sin_port), server), server);
	/* behind it: then from the beginning */
	assert_int_equal(socket_find("127.0.0.1", ntohs(there.sin_port), ntohs(here.sin_port), server + 1), server);
	assert_int_equal(socket_find("127.0.0.2", ntohs(there.sin_port), ntohs(here.sin_port), 3), -1);
	assert_int_equal(socket_find("127.0.0.1", ntohs(there.sin_port), 1, 3), -1);
	assert_int_equal(socket_find("no address", 1, 1, 3), -1);
	close(client);
	close(server);
	close(listener);
}

static void
lingering_reads_what_still_comes_and_ends_with_the_peer(void **state)
{
	char byte;

	(void)state;
	assert_int_equal(send(ends[1], "late", 4, 0), 4);
	assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
	socket_linger(ends[0]);
	assert_int_equal(recv(ends[0], &byte, 1, MSG_DONTWAIT), 0);
	/* The peer has been told that nothing follows. */
	assert_int_equal(recv(ends[1], &byte, 1, 0), 0);
	socket_linger(-1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_overdue_transfer_is_shut_down, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(a_transfer_in_time_is_left_alone, open_pair, close_pair),
		cmocka_unit_test(without_a_socket_nothing_is_watched),
		cmocka_unit_test(a_socket_is_found_by_its_peer),
		cmocka_unit_test_setup_teardown(lingering_reads_what_still_comes_and_ends_with_the_peer,
						open_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
