/* export.h: exports: which instances, how far, and what gives access to where they go (contract 9).
 *
 * An export is an operation.  What is to be exported is resolved page by page, and the place reached
 * is kept in the index, so a page costs its instances, whatever was passed before.  What gives access to
 * the destination is kept apart from the index, in a file that only the owner of the store reads, until the
 * operation has ended.  src/ops/export.c does the work.  Threads and errors as in store.h.
 */
#ifndef STORE_EXPORT_H
#define STORE_EXPORT_H

#include "store/operations.h"

enum export_source {
	EXPORT_IDENTIFIERS = 1,		/* values: STUDY[/SERIES[/INSTANCE]] */
	EXPORT_EVERYTHING,		/* the partition */
	EXPORT_QUERY,			/* values: KEYWORD=VALUE, all of them hold */
	EXPORT_CHANGES,			/* whose latest change is one of since <= time < until */
};

struct export_request {
	const char *partition;		/* NULL: the default one */
	enum export_source source;
	const char *const *values;
	size_t n_values;
	int64_t since, until;		/* clock_ticks */
	const char *uri;		/* of the destination, without secrets */
	struct slice access;		/* what the work needs to get there; secret */
};

/* The time ranges from. */
#define EXPORT_SINCE_EVER (-621355968000000000)

/* -EINVAL and a sentence: no value, a bad identifier, an attribute that cannot be searched, an empty window. */
int  store_check_export(struct store *st, const struct export_request *request, struct err *err);
/* The id of an operation to come. */
int  store_new_operation(char ret_id[OPERATION_TEXT_MAX]);
/* Record it under that id, checked. */
int  store_begin_export(struct store *st, const char *id, const struct export_request *request, struct err *err);

#define EXPORT_PAGE 100
#define EXPORT_IDENTIFIER_MAX (3 * UID_TEXT_MAX)

struct export_item {
	uint64_t instance;		/* 0: there is no such thing */
	char identifier[EXPORT_IDENTIFIER_MAX];		/* STUDY/SERIES/INSTANCE; of what is not there as it was given */
	char why[40];			/* it is not there: why */
};

/* Where an export stands; private. */
struct export_cursor {
	uint32_t value;			/* those before are done */
	uint64_t node;			/* being gone through; 0: none */
	uint64_t study, series, instance;	/* up to there */
	uint64_t before;		/* query: only matches after this one (struct search) */
	uint64_t sequence;		/* changes: up to there */
	struct export_results results;
};

struct export_page {
	struct export_item items[EXPORT_PAGE];
	size_t n;
	bool last;
	struct export_results results;	/* so far; the caller adds this page's before it hands it back */
	struct export_cursor next;	/* private */
};

/* The instances that come next: 1; 0: the operation has ended.  -ENOENT: there is none of that id. */
int  store_export_page(struct store *st, const char *id, struct export_page *ret_page, struct err *err);
/* That page is done.  The last one ends the operation. */
int  store_export_advance(struct store *st, const char *id, const struct export_page *page, struct err *err);

/* What begin was given; -ENOENT: it has been wiped. */
int  store_export_access(struct store *st, const char *id, struct buf *out, struct err *err);
/* The lines of errors.log, cut to what the last page counted: open for reading and writing. */
int  store_export_log(struct store *st, const char *id, uint64_t len, int *ret_fd, struct err *err);
/* Wipe what gives access, of all exports that have ended. */
int  store_export_clean(struct store *st);

/* The object of the log below the destination. */
#define EXPORT_LOG_FORMAT "%s/errors.log"
#define EXPORT_OBJECT_FORMAT "%s/results/%s.dcm"

#endif
