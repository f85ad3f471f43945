/* suite.h: every case of a contract, against every engine behind it. */
#ifndef TESTS_CONTRACT_SUITE_H
#define TESTS_CONTRACT_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct suite_engine {
	const char *name;
	unsigned traits;		/* what only some engines have; the suite's own bits */
	void *state;			/* initial state of its tests */
};

struct suite_case {
	const char *name;
	CMUnitTestFunction fn;
	unsigned needs;			/* traits without which it does not apply */
};

#define SUITE_CASE(fn, needs) { #fn, fn, needs }

/* The exit status. */
int suite_run(const char *group, const struct suite_engine *engines, size_t n_engines,
	      const struct suite_case *cases, size_t n_cases, CMFixtureFunction setup, CMFixtureFunction teardown);

#endif
