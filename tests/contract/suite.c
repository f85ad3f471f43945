#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_MAX_LEN 120

int
suite_run(const char *group, const struct suite_engine *engines, size_t n_engines,
	  const struct suite_case *cases, size_t n_cases, CMFixtureFunction setup, CMFixtureFunction teardown)
{
	struct CMUnitTest *tests = calloc(n_engines * n_cases, sizeof *tests);
	char (*names)[NAME_MAX_LEN] = calloc(n_engines * n_cases, sizeof *names);
	size_t i, j, n = 0;
	int r;

	if (tests == NULL || names == NULL)
		return 1;
	for (i = 0; i < n_engines; i++)
		for (j = 0; j < n_cases; j++) {
			if (cases[j].needs & ~engines[i].traits)
				continue;
			snprintf(names[n], sizeof names[n], "%s_%s", engines[i].name, cases[j].name);
			tests[n] = (struct CMUnitTest){ .name = names[n], .test_func = cases[j].fn,
				.setup_func = setup, .teardown_func = teardown, .initial_state = engines[i].state };
			n++;
		}
	r = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
	free(names);
	free(tests);
	return r;
}
