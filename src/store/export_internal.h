/* export_internal.h: what the files of exports share. */
#ifndef STORE_EXPORT_INTERNAL_H
#define STORE_EXPORT_INTERNAL_H

#include "store/export.h"
#include "store/operations_internal.h"

/* The input of an export, decoded; it lends from the row. */
struct export_input {
	enum export_source source;
	char partition[STORE_NAME_MAX + 1];
	int64_t since, until;
	struct slice uri;
	uint32_t n_values;
};
int  export_input_put(const struct export_input *input, struct buf *out);
int  export_input_get(struct slice value, struct export_input *ret_input);
int  export_cursor_put(const struct export_cursor *cursor, struct buf *out);
int  export_cursor_get(struct slice value, struct export_cursor *ret_cursor);	/* of one not begun: "" */

/* -- export_source.c -- */

/* STUDY[/SERIES[/INSTANCE]].  -EINVAL. */
struct export_identifier { char uids[3][UID_TEXT_MAX]; int n; };
int  export_identifier_parse(const char *text, size_t len, struct export_identifier *ret_identifier, struct err *err);

/* A query: the terms of a search and their memory. */
struct export_query;
int  export_query_new(struct store *st, const char *const *values, size_t n, struct export_query **ret_query, struct err *err);
void export_query_free(struct export_query *q);		/* NULL is fine */

/* Fill a page from where next stands, which moves. */
int  export_page_fill(struct store *st, const unsigned char id[OPERATION_ID_LEN], const struct export_input *input,
		      struct export_page *page, struct err *err);

#endif
