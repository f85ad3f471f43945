/* query_tag.h: extended query tags (contract 7): attributes that are indexed because somebody asked.
 *
 * A tag has a number of its own, given out once.  Rows of studies, series and instances keep its
 * values under that number (struct study_row, extended: attribute.h with numbers for tags), so
 * those of a tag that was deleted mean nothing to one that has the same attribute later.  The
 * index has them under the attribute, since all entries go with the tag.
 *
 * States: adding (instances that come are indexed, those there before are being) -> ready ->
 * deleting (nothing is indexed, entries are going) -> gone.
 */
#ifndef CATALOG_QUERY_TAG_H
#define CATALOG_QUERY_TAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "catalog/level.h"
#include "dicom/collate.h"
#include "kv/kv.h"

#define QUERY_TAGS_MAX 128		/* contract 18 */
#define QUERY_TAG_CREATOR_MAX 64	/* LO, characters */
#define QUERY_TAG_WHY_MAX 80
#define OPERATION_ID_LEN 16

enum query_tag_status { QUERY_TAG_ADDING = 1, QUERY_TAG_READY, QUERY_TAG_DELETING };

struct query_tag {
	uint32_t tag, number;
	uint16_t vr;
	enum query_tag_status status;
	enum level level;
	bool disabled;				/* not to be searched by */
	int64_t created;
	uint64_t errors;			/* entries of T_TAG_ERROR */
	unsigned char operation[OPERATION_ID_LEN];	/* that indexes it; while adding */
	char creator[4 * QUERY_TAG_CREATOR_MAX + 1];	/* UTF-8; "" for a standard attribute */
};

int  query_tag_get(struct kv_txn *txn, uint32_t tag, struct query_tag *ret_tag);
int  query_tag_put(struct kv_txn *txn, const struct query_tag *tag);
/* For a new one. */
int  query_tag_take_number(struct kv_txn *txn, uint32_t *ret_number);

/* All of them, ascending by tag. */
struct query_tags {
	size_t n;
	struct query_tag at[QUERY_TAGS_MAX];
};
int  query_tags_load(struct kv_txn *txn, struct query_tags *ret_tags);
struct query_tag *query_tags_find(struct query_tags *tags, uint32_t tag);	/* NULL: none */
struct query_tag *query_tags_find_number(struct query_tags *tags, uint32_t number);

/* ---- values ---- */

/* What an instance says for a tag. */
struct query_value {
	struct buf collated;		/* empty: nothing to index */
	struct slice json;		/* the member, of the data set it was read from */
	const char *why;		/* NULL, or why its value cannot be indexed */
};

/* Of each tag that is wanted (NULL: all that are not going); values has room for all of them,
 * zeroed, and is finished with query_values_fini in any case.  json is a template or rendered.
 * Only the first of several values counts; what is absent or empty is nothing. */
int  query_values_read(const struct query_tags *tags, bool (*wanted)(const struct query_tag *tag, const void *ctx),
		       const void *ctx, struct slice json, struct query_value *values);
void query_values_fini(const struct query_tags *tags, struct query_value *values);
/* Append those of a level, as extended of a row has them. */
int  query_values_put(const struct query_tags *tags, const struct query_value *values, enum level level,
		      struct buf *out);

/* ---- errors: instances whose value cannot be indexed ---- */

struct tag_error {
	int64_t time;
	uint64_t partition, study, series;
	char why[QUERY_TAG_WHY_MAX];
};

/* -EEXIST: there is one. */
int  tag_error_put(struct kv_txn *txn, uint32_t number, uint64_t instance, const struct tag_error *error);
int  tag_error_get(struct slice value, struct tag_error *ret_error);
int  tag_error_del(struct kv_txn *txn, uint32_t number, uint64_t instance);

#endif
