#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf.h"

static int
setup(void **state)
{
	return conf_new((struct conf **)state);
}

static int
teardown(void **state)
{
	conf_free(*state);
	return 0;
}

static int
parse_text(struct conf *c, const char *text, struct err *err)
{
	return conf_parse_text(c, "lake.conf", text, strlen(text), err);
}

static void
test_defaults(void **state)
{
	struct conf *c = *state;

	assert_string_equal(conf_text(c, OPT_WORKSPACE), "default");
	assert_true(conf_number(c, OPT_MAX_REQUEST) == 4ull << 30);
	assert_null(conf_text(c, OPT_LISTEN));
	assert_false(conf_flag(c, OPT_JSON));
	assert_false(conf_is_set(c, OPT_MAX_REQUEST));
}

static void
test_operands_and_options_mix(void **state)
{
	char *argv[] = { (char *)"a", (char *)"--json", (char *)"b", (char *)"--limit=7",
			 (char *)"--offset", (char *)"8", (char *)"--", (char *)"--c" };
	struct conf *c = *state;
	int n;

	assert_int_equal(conf_parse_args(c, CONF_QUERY, 8, argv, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_string_equal(argv[0], "a");
	assert_string_equal(argv[1], "b");
	assert_string_equal(argv[2], "--c");
	assert_true(conf_flag(c, OPT_JSON));
	assert_int_equal(conf_number(c, OPT_LIMIT), 7);
	assert_int_equal(conf_number(c, OPT_OFFSET), 8);
}

static void
test_argument_errors_name_the_option(void **state)
{
	static const struct {
		const char *args[2];
		int count;
		const char *says;
	} rows[] = {
		{ { "--no-such" }, 1, "there is no option --no-such" },
		{ { "--mount" }, 1, "there is no option --mount" },	/* of another command */
		{ { "--limit" }, 1, "--limit needs a value: N" },
		{ { "--limit", "x" }, 2, "--limit: 'x' is not a number" },
		{ { "--limit=-1" }, 1, "--limit: '-1' is not a number" },
		{ { "--json=1" }, 1, "--json takes no value" },
		{ { "-z" }, 1, "there is no option -z" },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		char a[32], b[32], *argv[] = { a, b };
		struct err err = { 0 };
		int n;

		strcpy(a, rows[i].args[0]);
		strcpy(b, rows[i].args[1] != NULL ? rows[i].args[1] : "");
		assert_int_equal(conf_parse_args(*state, CONF_QUERY, rows[i].count, argv, &n, &err), -EINVAL);
		assert_string_equal(err.text, rows[i].says);
	}
}

static void
test_command_line_wins_over_file(void **state)
{
	char *argv[] = { (char *)"--threads=3" };
	struct conf *c = *state;
	int n;

	assert_int_equal(conf_parse_args(c, CONF_SERVE, 1, argv, &n, NULL), 0);
	assert_int_equal(parse_text(c, "threads = 9\nlog-level=debug", NULL), 0);
	assert_int_equal(conf_number(c, OPT_THREADS), 3);
	assert_string_equal(conf_text(c, OPT_LOG_LEVEL), "debug");
}

static void
test_file_lines(void **state)
{
	struct conf *c = *state;

	assert_int_equal(parse_text(c, "# a comment\r\n\n\t mount = /a b # c \r\ninsecure = yes\n"
				    "mount-options = ro\nmount-options = noexec", NULL), 0);
	assert_string_equal(conf_text(c, OPT_MOUNT), "/a b # c");
	assert_true(conf_flag(c, OPT_INSECURE));
	assert_string_equal(conf_text(c, OPT_MOUNT_OPTIONS), "ro,noexec");
}

static void
test_file_errors_name_the_line(void **state)
{
	static const struct { const char *text, *says; } rows[] = {
		{ "\nlisten", "lake.conf:2: not of the form key = value" },
		{ "#\n#\nprot = 1", "lake.conf:3: there is no option 'prot'" },
		{ "json = yes", "lake.conf:1: there is no option 'json'" },
		{ "insecure = maybe", "lake.conf:1: insecure: 'maybe' is neither yes nor no" },
		{ "threads = 0", "lake.conf:1: threads: 0 is outside 1 to 4096" },
		{ "max-request = 4X", "lake.conf:1: max-request: '4X' is not a number with K, M, G or T or without a unit" },
		{ "max-request = 2T", "lake.conf:1: max-request: 2T is outside 4K to 1T" },
		{ "listen = lake:80", "lake.conf:1: listen: 'lake:80' is not an IPv4 address (or localhost), a colon and a port" },
		{ "mount =", "lake.conf:1: mount: a value is needed" },
		{ "log-level = loud", "lake.conf:1: log-level: 'loud' is none of error, warning, info, debug" },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };

		assert_int_equal(parse_text(*state, rows[i].text, &err), -EINVAL);
		assert_string_equal(err.text, rows[i].says);
	}
	assert_int_equal(conf_parse_text(*state, "f", "threads = 1\0 2", 14, NULL), -EINVAL);
}

static void
test_numbers(void **state)
{
	uint64_t n;

	(void)state;
	assert_int_equal(conf_parse_number(CONF_SIZE, "64K", &n), 0);
	assert_int_equal(n, 65536);
	assert_int_equal(conf_parse_number(CONF_DURATION, "3d", &n), 0);
	assert_int_equal(n, 3 * 86400000);
	assert_int_equal(conf_parse_number(CONF_DURATION, "2m", &n), 0);
	assert_int_equal(n, 120000);
	assert_int_equal(conf_parse_number(CONF_DURATION, "30", &n), -EINVAL);
	assert_int_equal(conf_parse_number(CONF_COUNT, "1K", &n), -EINVAL);
	assert_int_equal(conf_parse_number(CONF_COUNT, "99999999999999999999", &n), -ERANGE);
	assert_int_equal(conf_parse_number(CONF_SIZE, "99999999999T", &n), -ERANGE);
	assert_int_equal(conf_parse_number(CONF_COUNT, "", &n), -EINVAL);
}

static void
test_addresses(void **state)
{
	char host[CONF_HOST_MAX];
	unsigned port;
	bool loopback;

	(void)state;
	assert_int_equal(conf_parse_address("localhost:80", host, &port, &loopback), 0);
	assert_string_equal(host, "127.0.0.1");
	assert_int_equal(port, 80);
	assert_true(loopback);
	assert_int_equal(conf_parse_address("8042", host, &port, &loopback), 0);
	assert_true(loopback);
	assert_int_equal(conf_parse_address("127.9.9.9:0", host, &port, &loopback), 0);
	assert_true(loopback);
	assert_int_equal(conf_parse_address("0.0.0.0:1", host, &port, &loopback), 0);
	assert_false(loopback);
	assert_int_equal(conf_parse_address("10.0.0.1:1", host, &port, &loopback), 0);
	assert_false(loopback);
	assert_int_equal(conf_parse_address("127.0.0.1:65536", host, &port, &loopback), -EINVAL);
	assert_int_equal(conf_parse_address("127.0.0.1", host, &port, &loopback), -EINVAL);
	assert_int_equal(conf_parse_address(":80", host, &port, &loopback), -EINVAL);
	assert_int_equal(conf_parse_address("[::1]:80", host, &port, &loopback), -EINVAL);
}

static void
test_a_stores_file(void **state)
{
	char *argv[] = { (char *)"--export-jobs", (char *)"3" };
	struct conf *c = *state, *own = NULL;
	char path[] = "/tmp/test_conf.XXXXXX";
	const char *text = "health-interval = 7s\nexport-jobs = 5\nexport-root = /b\n";
	struct err err = { 0 };
	int fd = mkstemp(path), n;

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	assert_int_equal(conf_parse_args(c, CONF_SERVE, 2, argv, &n, NULL), 0);
	assert_int_equal(parse_text(c, "health-interval = 5s\nexport-root = /a\nmax-request = 1M\n", NULL), 0);
	assert_int_equal(conf_copy(c, &own), 0);
	assert_int_equal(conf_parse_store_file(own, path, &err), 0);
	assert_int_equal(conf_number(own, OPT_HEALTH_INTERVAL), 7000);
	assert_int_equal(conf_number(own, OPT_EXPORT_JOBS), 3);
	assert_string_equal(conf_text(own, OPT_EXPORT_ROOT), "/b");
	assert_int_equal(conf_number(own, OPT_MAX_REQUEST), 1 << 20);
	/* the other is what it was */
	assert_int_equal(conf_number(c, OPT_HEALTH_INTERVAL), 5000);
	assert_string_equal(conf_text(c, OPT_EXPORT_ROOT), "/a");
	conf_free(own);
	assert_int_equal(pwrite(fd, "listen = 127.0.0.1:1\n#", 22, 0), 22);
	assert_int_equal(conf_parse_store_file(c, path, &err), -EINVAL);
	assert_non_null(strstr(err.text, ":1: 'listen' is not about a store"));
	assert_null(conf_text(c, OPT_LISTEN));
	close(fd);
	unlink(path);
	assert_int_equal(conf_parse_store_file(c, path, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_operands_and_options_mix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_argument_errors_name_the_option, setup, teardown),
		cmocka_unit_test_setup_teardown(test_command_line_wins_over_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_errors_name_the_line, setup, teardown),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test_setup_teardown(test_a_stores_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
