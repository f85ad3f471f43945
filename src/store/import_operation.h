/* import_operation.h: an import that goes on where it was, when it is asked for again.
 *
 * Its record is an operation (operations.h) that no daemon works on: it is the work of the process that reads the
 * files.  Beside it lie marks of the files that are done with.  A mark is what stat(2) says of a file, so
 * one that was changed since has none; files may come and go between two runs.
 *
 * What is marked was durable before; what was stored just before a kill and is not marked yet is
 * found to be there already.  Marks go with the end of the import.
 *
 * Threads: any.
 * Errors:  as store.h; -EBUSY another process is at the same import.
 */
#ifndef STORE_IMPORT_OPERATION_H
#define STORE_IMPORT_OPERATION_H

#include "store/operations.h"

struct import_operation;

/* What was asked for: asking for the same again goes on with it. */
struct import_request {
	const char *const *paths;	/* absolute */
	size_t n_paths;
	const char *partition;		/* NULL: the default one */
	uint32_t how;			/* options of the door, as bits of its own */
};

struct import_mark {
	uint64_t device, inode;		/* of the file; or of the archive that it is in, */
	uint64_t entry;			/* as which entry, from 1; 0: it is a file */
	uint64_t size;
	int64_t mtime, ctime;		/* ns */
};

struct import_totals {
	uint64_t stored, replaced, unchanged, refused, skipped;		/* files */
	uint64_t bytes;			/* of those stored or replaced */
	uint64_t copied;		/* of these, not linked */
};

/* Changed less than that before it was marked, a file might have been changed again within the same
 * tick of the clock: it is not marked.  ns. */
#define IMPORT_MARK_AGE 2000000000

/* *ret_totals and *ret_resumed: what an earlier run has done. */
int  import_operation_begin(struct store *st, const struct import_request *request, struct import_operation **ret_op,
			    struct import_totals *ret_totals, bool *ret_resumed, struct err *err);
const char *import_operation_id(const struct import_operation *op);
/* Was it done with by an earlier run? */
bool import_operation_has(struct import_operation *op, const struct import_mark *mark);
/* These are done with.  found: files that there are, as far as known. */
int  import_operation_note(struct import_operation *op, const struct import_mark *marks, size_t n,
			   const struct import_totals *totals, uint64_t found, struct err *err);
/* It has come to its end, with these totals. */
int  import_operation_finish(struct import_operation *op, const struct import_totals *totals, struct err *err);
/* Finished or not.  NULL is fine. */
void import_operation_close(struct import_operation *op);

#endif
