/* tiers.conf: what it may say, and which of its rules counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "store/tiers_conf.h"

#define SECOND ((int64_t)1000000000)
#define DAY (86400 * SECOND)

static struct tiers_conf conf;

static int
parse(const char *text, struct err *err)
{
	err_clear(err);
	return tiers_conf_parse("tiers.conf", text, strlen(text), &conf, err);
}

static void
test_conf_is_read(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(parse("# ours\n\n tier = cold  /mnt/a b/ \ntier=archive /x\r\nrule = archive age=365d modality=MR\n"
			       "rule = cold unused=2h partition=Trials\nrule = hot", &err), 0);
	assert_string_equal(conf.dirs[STORE_COLD], "/mnt/a b");
	assert_string_equal(conf.dirs[STORE_ARCHIVE], "/x");
	assert_string_equal(conf.dirs[STORE_COOL], "");
	assert_int_equal(conf.n_rules, 3);
	assert_int_equal(conf.rules[0].tier, STORE_ARCHIVE);
	assert_true(conf.rules[0].age == 365 * DAY && conf.rules[0].unused == 0);
	assert_string_equal(conf.rules[0].modality, "MR");
	assert_true(conf.rules[1].unused == 7200 * SECOND);
	assert_string_equal(conf.rules[1].partition, "Trials");
	assert_int_equal(parse("", &err), 0);
}

static void
test_conf_errors_say_where(void **state)
{
	static const char *const bad[][2] = {
		{ "tier = cold /a\ntier = cold /b", "tiers.conf:2: the tier cold has a directory already" },
		{ "tier = warm /a", "tiers.conf:1: 'warm' is none of hot, cool, cold, archive" },
		{ "tier = hot /a", "tiers.conf:1: the tier hot is the store's own directory" },
		{ "tier = cold a", "tiers.conf:1: the directory of the tier cold must begin with a slash, and not be the root" },
		{ "tier = cold //", "tiers.conf:1: the directory of the tier cold must begin with a slash, and not be the root" },
		{ "tier = cold", "tiers.conf:1: the directory of the tier cold must begin with a slash, and not be the root" },
		{ "\ntier cold /a", "tiers.conf:2: not of the form key = value" },
		{ "tiers = cold /a", "tiers.conf:1: 'tiers' is neither tier nor rule" },
		{ "tier x = cold /a", "tiers.conf:1: 'tier' is neither tier nor rule" },
		{ "rule = cold", "tiers.conf: there is a rule for the tier cold, which has no directory" },
		{ "rule = hot age", "tiers.conf:1: 'age' is not of the form KEY=VALUE" },
		{ "rule = hot age=30", "tiers.conf:1: age: '30' is not a number with ms, s, m, h or d" },
		{ "rule = hot size=30", "tiers.conf:1: 'size' is none of age, unused, partition, modality" },
		{ "rule = hot partition=", "tiers.conf:1: partition: '' can be none" },
		{ "rule = hot modality=12345678901234567", "tiers.conf:1: modality: '12345678901234567' can be none" },
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(parse(bad[i][0], &err), -EINVAL);
		assert_string_equal(err_text(&err), bad[i][1]);
	}
	assert_int_equal(tiers_conf_parse("t", "a\0b", 3, &conf, &err), -EINVAL);
}

static int64_t
days(void *ctx)
{
	return *(int *)ctx * DAY;
}

static int
decide(int age, int unused, const char *partition, const char *modality)
{
	const struct tier_facts f = { .age = age * DAY, .partition = partition, .modality = modality };
	const struct tier_rule *rule = tiers_conf_match(&conf, &f, days, &unused);

	return rule == NULL ? -1 : (int)rule->tier;
}

static void
test_the_first_rule_that_fits_counts(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(parse("tier = cool /a\ntier = cold /b\ntier = archive /c\nrule = hot partition=teaching\n"
			       "rule = archive age=100d modality=MR unused=50d\nrule = cold age=100d\nrule = cool unused=30d", &err), 0);
	assert_int_equal(decide(400, 400, "Teaching", "MR"), STORE_HOT);
	assert_int_equal(decide(100, 50, "a", "MR"), STORE_ARCHIVE);
	assert_int_equal(decide(100, 49, "a", "MR"), STORE_COLD);
	assert_int_equal(decide(100, 50, "a", "CT"), STORE_COLD);
	assert_int_equal(decide(99, 30, "a", "CT"), STORE_COOL);
	assert_int_equal(decide(99, 29, "a", "CT"), -1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf_is_read),
		cmocka_unit_test(test_conf_errors_say_where),
		cmocka_unit_test(test_the_first_rule_that_fits_counts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
