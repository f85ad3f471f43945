/* source.h: the files to import, one after the other, to several threads.
 *
 * An operand is a folder (all below it), the media of a DICOMDIR (the files that it names: the DICOMDIR or the
 * folder that has it), an archive (its entries), or a file.  One thread (source_run) goes through
 * them; others take items.  It waits while too many items, or too many bytes of entries, wait.
 *
 * A path is the operand and, after a slash, what is below it, in folders and archives alike.  From
 * name_at on it is the item's name in the error-container: the operand's last component and
 * what is below it.
 *
 * Threads: source_run on one, source_next and source_cancel on any.
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/import_operation.h"
#include "store/store.h"

struct source_item {
	char *path;
	size_t name_at;
	/* An archive's entry: its bytes, here when it is small, or in staging.  Both NULL: a file, to be opened. */
	unsigned char *bytes;
	struct incoming *in;
	uint64_t size;			/* of the entry */
	struct import_mark mark;	/* of the entry; all 0 of a file, which is marked when it is opened */
};

/* What the source finds out by itself, from its thread. */
struct source_events {
	/* It cannot be had; err says why. */
	void (*refuse)(void *ctx, const char *path, const char *name, const struct err *err);
	/* Is the entry done with since an earlier run? */
	bool (*is_done)(void *ctx, const struct import_mark *mark);
	/* It is no DICOM, or a DICOMDIR, which is no instance: passed over. */
	void (*skip)(void *ctx, const struct import_mark *mark);
	/* Shall it end?  Asked while nothing comes of a long archive. */
	bool (*is_stopped)(void *ctx);
	void *ctx;
};

struct source_options {
	const char *store_path;		/* is never entered */
	bool skip_foreign;		/* entries that are not DICOM are passed over; no DICOMDIR is looked for */
};

struct source;

int  source_new(struct store *st, const struct source_options *options, const struct source_events *events,
		struct source **ret_source);
void source_run(struct source *s, char *const *operands, int count);
/* The next item (source_item_free), or NULL at the end. */
struct source_item *source_next(struct source *s);
/* Everybody shall stop soon. */
void source_cancel(struct source *s);
/* Items found until now, and whether these are all. */
uint64_t source_found(struct source *s, bool *ret_all);
void source_free(struct source *s);		/* NULL is fine */
void source_item_free(struct source_item *item);

/* What a file is, guessed from its first bytes. */
enum source_kind { SOURCE_FOREIGN, SOURCE_DICOMDIR, SOURCE_DICOM };
#define SOURCE_HEAD 1024
enum source_kind source_guess(const void *head, size_t len);

#endif
