#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "web/route.h"

static int
find_with(bool partitions, const char *path, enum method method, struct route_match *m)
{
	static struct uri_path p;
	struct err err = { 0 };

	memset(m, 0, sizeof *m);
	assert_int_equal(uri_split(path, &p), 0);
	return route_find(&p, method, partitions, m, &err);
}

static int
find(const char *path, enum method method, struct route_match *m)
{
	return find_with(false, path, method, m);
}

static void
every_route_is_found_by_its_own_template(void **state)
{
	static const char *const prefixes[] = { "v1", "v2", "dicom-web" };
	struct route_match m;
	char path[256];
	unsigned i, k;

	(void)state;
	for (i = 0; i < ROUTE_MAX; i++) {
		const struct route *r = route_at((enum route_id)i);

		for (k = 0; k < 3; k++) {
			if (r->dialects != 0 && (r->dialects & dialect_find(prefixes[k])->bit) == 0)
				continue;
			snprintf(path, sizeof path, "/%s%s%s", r->dialects != 0 ? prefixes[k] : "",
				 r->dialects != 0 ? "/" : "", r->template);
			assert_int_equal(find(path, r->method, &m), 0);
			assert_ptr_equal(m.route, r);
			assert_non_null(strstr(m.allow, r->method == METHOD_GET ? "GET, HEAD" :
					       r->method == METHOD_POST ? "POST" :
					       r->method == METHOD_PUT ? "PUT" :
					       r->method == METHOD_PATCH ? "PATCH" : "DELETE"));
		}
	}
}

static void
a_path_without_version_or_of_none_is_not_found(void **state)
{
	struct route_match m;

	(void)state;
	assert_int_equal(find("/studies", METHOD_GET, &m), -ENOENT);
	assert_int_equal(find("/v3/studies", METHOD_GET, &m), -ENOENT);
	assert_int_equal(find("/", METHOD_GET, &m), -ENOENT);
	assert_int_equal(find("/v2", METHOD_GET, &m), -ENOENT);
	assert_int_equal(find("/v2/health/check", METHOD_GET, &m), -ENOENT);
	assert_int_equal(find("/v2/studies/1/series/2/instances/3/bulkdata/7FE00010", METHOD_GET, &m), -ENOENT);
}

static void
fixed_segments_are_matched_without_regard_to_case(void **state)
{
	struct route_match m;

	(void)state;
	assert_int_equal(find("/V2/Studies/1.2/SERIES", METHOD_GET, &m), 0);
	assert_int_equal(route_id_of(m.route), ROUTE_SEARCH_STUDY_SERIES);
	assert_int_equal(find("/V1.0-Prerelease/studies/", METHOD_GET, &m), 0);
	assert_string_equal(m.dialect->prefix, "v1.0-prerelease");
}

static void
a_wrong_method_tells_the_right_ones(void **state)
{
	struct route_match m;

	(void)state;
	assert_int_equal(find("/v2/studies", METHOD_DELETE, &m), -EOPNOTSUPP);
	assert_string_equal(m.allow, "POST, PUT, GET, HEAD, OPTIONS");
	assert_int_equal(find("/v2/studies/1", METHOD_OTHER, &m), -EOPNOTSUPP);
	assert_string_equal(m.allow, "POST, PUT, GET, HEAD, DELETE, OPTIONS");
	assert_int_equal(find("/metrics", METHOD_POST, &m), -EOPNOTSUPP);
	assert_string_equal(m.allow, "GET, HEAD, OPTIONS");
	assert_int_equal(find("/metrics", METHOD_HEAD, &m), 0);
	assert_int_equal(find("/metrics", METHOD_OPTIONS, &m), 0);
}

static void
partitions_that_are_off_are_in_no_path(void **state)
{
	struct route_match m;

	(void)state;
	assert_int_equal(find("/v2/partitions/a/studies", METHOD_GET, &m), -EINVAL);
	assert_int_equal(find("/v2/partitions/a", METHOD_GET, &m), -EINVAL);
	assert_int_equal(find("/v2/partitions", METHOD_GET, &m), 0);	/* the handler says no */
}

static void
partitions_that_are_on_are_in_the_path_of_what_is_in_one(void **state)
{
	static const char *const spanning[] = { "partitions", "changefeed", "changefeed/latest" };
	struct route_match m;
	char path[300], name[70];
	size_t i;

	(void)state;
	assert_int_equal(find_with(true, "/v2/partitions/a.B_1-/studies/1/series/2", METHOD_GET, &m), 0);
	assert_string_equal(m.partition, "a.B_1-");
	assert_string_equal(m.vars.value[URI_SERIES], "2");
	assert_int_equal(find_with(true, "/v2/studies", METHOD_GET, &m), -EINVAL);
	assert_int_equal(find_with(true, "/dicom-web/studies/1", METHOD_DELETE, &m), -EINVAL);
	assert_int_equal(find_with(true, "/v2/nothing", METHOD_GET, &m), -ENOENT);
	assert_int_equal(find_with(true, "/v2/partitions/a/nothing", METHOD_GET, &m), -ENOENT);
	assert_int_equal(find_with(true, "/v2/partitions/a", METHOD_GET, &m), -ENOENT);
	assert_int_equal(find_with(true, "/v2/partitions/a/studies", METHOD_DELETE, &m), -EOPNOTSUPP);
	for (i = 0; i < sizeof spanning / sizeof *spanning; i++) {
		snprintf(path, sizeof path, "/v1/%s", spanning[i]);
		assert_int_equal(find_with(true, path, METHOD_GET, &m), 0);
		assert_null(m.partition);
		snprintf(path, sizeof path, "/v1/partitions/a/%s", spanning[i]);
		assert_int_equal(find_with(true, path, METHOD_GET, &m), -ENOENT);
	}
	assert_int_equal(find_with(true, "/health/check", METHOD_GET, &m), 0);
	assert_int_equal(find_with(true, "/v2/partitions/a!/studies", METHOD_GET, &m), -EINVAL);
	assert_int_equal(find_with(true, "/v2/partitions/../studies", METHOD_GET, &m), -EINVAL);
	assert_int_equal(find_with(true, "/v2/partitions//studies", METHOD_GET, &m), -EINVAL);
	memset(name, 'a', 65);
	name[64] = '\0';
	snprintf(path, sizeof path, "/v2/partitions/%s/studies", name);
	assert_int_equal(find_with(true, path, METHOD_GET, &m), 0);
	snprintf(path, sizeof path, "/v2/partitions/%sa/studies", name);
	assert_int_equal(find_with(true, path, METHOD_GET, &m), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_found_by_its_own_template),
		cmocka_unit_test(a_path_without_version_or_of_none_is_not_found),
		cmocka_unit_test(fixed_segments_are_matched_without_regard_to_case),
		cmocka_unit_test(a_wrong_method_tells_the_right_ones),
		cmocka_unit_test(partitions_that_are_off_are_in_no_path),
		cmocka_unit_test(partitions_that_are_on_are_in_the_path_of_what_is_in_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
