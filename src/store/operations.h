/* operations.h: long work on a store, told of by records that outlive the process (contract 8).
 *
 * src/ops does the work.  Threads and errors as in store.h.
 */
#ifndef STORE_OPERATIONS_H
#define STORE_OPERATIONS_H

#include "store/store.h"

/* 32 hexadecimal digits. */
#define OPERATION_TEXT_MAX 33

enum operation_kind {
	STORE_OPERATION_REINDEX = 1,
	STORE_OPERATION_EXPORT = 2,
	STORE_OPERATION_UPDATE = 3,
	STORE_OPERATION_IMPORT = 4,	/* done by who reads the files (import_operation.h), and not by src/ops */
	STORE_OPERATION_TIER = 5,
};
enum operation_state {
	STORE_OPERATION_NOT_STARTED = 1, STORE_OPERATION_RUNNING, STORE_OPERATION_SUCCEEDED, STORE_OPERATION_FAILED
};

struct export_results {
	uint64_t exported, skipped;	/* instances; identifiers and instances */
	uint64_t bytes;			/* of the exported */
	uint64_t log;			/* bytes of errors.log */
};

struct tier_results {			/* so far */
	bool by_rules;			/* else all was to go to: */
	enum store_tier to;
	uint64_t moved, failed;		/* instances */
	uint64_t bytes;			/* of the moved */
};

#define OPERATION_URI_MAX 2100

struct operation {
	char id[OPERATION_TEXT_MAX];
	enum operation_kind kind;
	enum operation_state state;
	int64_t created, updated;	/* ns */
	uint64_t done, total;		/* instances */
	unsigned percent;		/* 0 to 100, which only a finished one has */
	char why[200];			/* failed: why */
	const uint32_t *tags;		/* reindex: what it is about; lent for the call of fn */
	size_t n_tags;
	struct export_results export;	/* export: so far */
	char destination[OPERATION_URI_MAX];	/* export: its container, without what gives access */
	/* update: studies, and instances changed; a line for each failed study and for some of its instances */
	uint64_t studies_processed, studies_updated, studies_failed, instances_updated;
	const char *errors;		/* lent likewise */
	const char *paths;		/* import: what is imported, the first of many; likewise; else NULL */
	struct tier_results tier;	/* tier */
	bool interrupted;		/* import: not finished, and nobody is at it */
};

/* As contract 8 has it: "reindex", "export", "update"; "import", "tier". */
const char *operation_kind_name(enum operation_kind kind);

/* fn may be NULL, to see whether there is one.  -EINVAL: id is no GUID, in either spelling; -ENOENT. */
int  store_operation(struct store *st, const char *id, int (*fn)(void *ctx, const struct operation *op),
		     void *ctx, struct err *err);
/* All that are kept: unfinished ones, and those that ended within thirty days; the oldest first. */
int  store_operations(struct store *st, int (*fn)(void *ctx, const struct operation *op), void *ctx,
		      struct err *err);
/* The oldest that is not finished, of the kinds whose bits are set.  -ENOENT: there is none. */
int  store_next_operation(struct store *st, unsigned kinds, char ret_id[OPERATION_TEXT_MAX], enum operation_kind *ret_kind);
/* It will not be tried again. */
int  store_fail_operation(struct store *st, const char *id, const char *why);

#endif
