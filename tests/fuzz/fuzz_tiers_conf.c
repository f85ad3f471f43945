/* tiers.conf: any bytes are either refused with a sentence, or every tier has an absolute directory, and every rule a
 * tier that has one; rules can be applied to anything. */
#include <stdint.h>
#include <string.h>

#include "store/tiers_conf.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t
unused(void *ctx)
{
	return *(int64_t *)ctx;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tiers_conf conf;
	struct tier_facts facts = { .age = INT64_MAX, .partition = "Microsoft.Default", .modality = "CT" };
	const struct tier_rule *rule;
	struct err err = { 0 };
	int64_t since = 0;
	unsigned i;

	if (tiers_conf_parse("fuzz.conf", (const char *)data, size, &conf, &err) < 0) {
		check(strncmp(err.text, "fuzz.conf:", 10) == 0, "what is refused is said");
		return 0;
	}
	check(conf.dirs[STORE_HOT][0] == '\0', "hot has no directory");
	for (i = 1; i < STORE_TIERS; i++)
		check(conf.dirs[i][0] == '\0' || (conf.dirs[i][0] == '/' && conf.dirs[i][strlen(conf.dirs[i]) - 1] != '/'),
		      "a directory is absolute");
	check(conf.n_rules <= TIER_RULES_MAX, "rules are bounded");
	for (i = 0; i < conf.n_rules; i++)
		check(conf.rules[i].age >= 0 && conf.rules[i].unused >= 0 && (unsigned)conf.rules[i].tier < STORE_TIERS &&
		      (conf.rules[i].tier == STORE_HOT || conf.dirs[conf.rules[i].tier][0] != '\0'), "a rule can be followed");
	rule = tiers_conf_match(&conf, &facts, unused, &since);
	check(rule == NULL || (rule->unused == 0 && rule >= conf.rules && rule < conf.rules + conf.n_rules), "a rule is one of them");
	return 0;
}
