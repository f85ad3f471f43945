/* query.h: directories below .query, whose names are conditions.
 *
 *   .query/PatientID=P1/StudyDate=20240101-20241231
 *
 * KEYWORD=VALUE, each directory one condition more.  The keyword is an attribute, or one in
 * sequences with periods between, as in a query string of /dicom-web; so are the values (search_value.h).
 *
 * A directory is known by a number as long as it is one of the QUERY_DIRS_MAX used last; who
 * asks for one that is no more looks its name up again.
 *
 * Threads: any.
 */
#ifndef FS_QUERY_H
#define FS_QUERY_H

#include <stdbool.h>

#include "base/err.h"
#include "fs/tree.h"
#include "store/store.h"

#define QUERY_TERMS_MAX 16		/* conditions, and sequences in them */
#define QUERY_TEXT_MAX (QUERY_TERMS_MAX * (TREE_NAME_MAX + 1))
#define QUERY_DIRS_MAX 4096		/* a kilobyte each at the most */

struct query {
	struct search_term terms[QUERY_TERMS_MAX];
	size_t n;
	uint32_t path[QUERY_TERMS_MAX];
	char text[2 * QUERY_TEXT_MAX];	/* names and values; then what terms copy */
};

/* Conditions with slashes between; "" is none.  find_tag is store_search_tag or a test's own.
 * -ENOENT one is no condition, or of no attribute; -EINVAL its value is none of that attribute;
 * -ENAMETOOLONG, -E2BIG.  *ret_query points into itself: it does not move. */
int  query_parse(const char *conditions, int (*find_tag)(void *ctx, uint32_t tag, struct search_tag *ret_tag),
		 void *ctx, struct query *ret_query, struct err *err);

/* -- the directories that are known ------------------------------------- */

struct query_dir {
	uint64_t number;		/* below 1 << 48 */
	uint64_t partition;		/* what is searched */
	bool of_service;		/* it is below the service directory, not the partition's */
	unsigned depth;			/* conditions */
	char conditions[QUERY_TEXT_MAX];
};

struct query_dirs;

struct query_dirs *query_dirs_new(void);	/* NULL: no memory */
void query_dirs_free(struct query_dirs *t);
/* The number of the directory that dir->partition, of_service and conditions say, into dir->number. */
int  query_dirs_add(struct query_dirs *t, struct query_dir *dir);
/* -ESTALE: it is known no more. */
int  query_dirs_get(struct query_dirs *t, uint64_t number, struct query_dir *ret_dir);

#endif
