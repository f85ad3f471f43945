/* query_tags.h: extended query tags: attributes to be searched by, besides those that always
 * can be (contract 7).
 *
 * Threads and errors as in store.h.  A path is a keyword or eight hexadecimal digits; -EINVAL
 * when it is neither, -ENOENT when it is no tag that was added.
 */
#ifndef STORE_QUERY_TAGS_H
#define STORE_QUERY_TAGS_H

#include "store/operations.h"
#include "store/store.h"

/* What is asked for; as the client wrote it, NULL where it wrote nothing. */
struct query_tag_spec {
	const char *path;
	const char *level;		/* study, series or instance, in any case */
	const char *vr;			/* NULL: the dictionary's */
	const char *creator;		/* of a private attribute */
};

/* Add all of them or none: the operation that indexes what is in the store is begun, and src/ops
 * is to be told.  -EINVAL: the sentence names the path; -EEXIST one is there; -EBUSY another such operation
 * runs, and *ret_operation names it. */
int  store_add_query_tags(struct store *st, const struct query_tag_spec *specs, size_t n,
			  char ret_operation[OPERATION_TEXT_MAX], struct err *err);

enum query_tag_state { STORE_TAG_ADDING = 1, STORE_TAG_READY, STORE_TAG_DELETING };

struct query_tag_info {
	uint32_t tag;
	char path[9], vr[3];
	char creator[4 * 64 + 1];	/* UTF-8; "" of a standard attribute */
	enum store_level level;
	enum query_tag_state state;
	bool disabled;			/* not to be searched by */
	uint64_t errors;
	char operation[OPERATION_TEXT_MAX];	/* that indexes it; "" none (any more) */
};

/* Ascending by tag; non-zero from fn stops and is returned. */
int  store_query_tags(struct store *st, int (*fn)(void *ctx, const struct query_tag_info *tag), void *ctx,
		      struct err *err);
int  store_query_tag(struct store *st, const char *path, struct query_tag_info *ret_tag, struct err *err);
int  store_enable_query_tag(struct store *st, const char *path, bool enable, struct query_tag_info *ret_tag,
			    struct err *err);
/* With its values and errors.  A process that is killed leaves it deleting; src/ops goes on. */
int  store_delete_query_tag(struct store *st, const char *path, struct err *err);
bool store_has_deleted_tags(struct store *st);
/* Go on with those.  0 also when there are none. */
int  store_finish_deleted_tags(struct store *st);

struct query_tag_error {
	const char *partition, *study_uid, *series_uid, *sop_uid;	/* lent for the call */
	int64_t time;			/* ns */
	const char *why;
};
/* limit 0: all. */
int  store_query_tag_errors(struct store *st, const char *path, uint64_t offset, uint64_t limit,
			    int (*fn)(void *ctx, const struct query_tag_error *error), void *ctx, struct err *err);

/* A reindex operation, one transaction: up to `limit` instances.  1: there is more to do; 0: it is
 * finished. */
int  store_reindex_step(struct store *st, const char *operation, unsigned limit, struct err *err);

#endif
