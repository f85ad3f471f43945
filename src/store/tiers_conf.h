/* tiers_conf.h: the lines of tiers.conf.
 *
 *	tier = NAME DIRECTORY
 *	rule = NAME [age=TIME] [unused=TIME] [partition=PARTITION] [modality=MODALITY]
 *
 * Empty lines and those that begin with # say nothing.  Errors: -EINVAL with file and line; -EFBIG; -ENOMEM.
 */
#ifndef STORE_TIERS_CONF_H
#define STORE_TIERS_CONF_H

#include "blob/blob.h"
#include "catalog/row.h"
#include "store/tier.h"

#define TIER_RULES_MAX 200
#define TIERS_CONF_BYTES_MAX (64 << 10)

struct tier_rule {			/* all that is given must hold */
	enum store_tier tier;
	int64_t age, unused;		/* ns; 0: whatever */
	char partition[STORE_NAME_MAX + 1];	/* "": any; names compare without case */
	char modality[MODALITY_TEXT_MAX];
};

struct tiers_conf {
	char dirs[STORE_TIERS][BLOB_TIER_PATH_MAX];	/* absolute, no slash at the end; "": none */
	struct tier_rule rules[TIER_RULES_MAX];
	size_t n_rules;
	bool begun[STORE_TIERS];	/* it is known that something may lie there (tiers.c); only who moves looks */
};

/* name is for the sentences. */
int  tiers_conf_parse(const char *name, const char *text, size_t len, struct tiers_conf *conf, struct err *err);
/* The first rule that an instance fits, NULL: none.  unused(ctx): for how long nobody has read it, ns; it is asked only when
 * the rest of a rule holds. */
struct tier_facts {
	int64_t age;			/* ns */
	const char *partition, *modality;
};
const struct tier_rule *tiers_conf_match(const struct tiers_conf *conf, const struct tier_facts *facts,
					 int64_t (*unused)(void *ctx), void *ctx);

#endif
