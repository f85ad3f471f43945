/* search_value.h: what users write after an attribute's name, as a term of a search: one
 * value, a range, a list, or a pattern (PS3.4 C.2.2.2, contract 4.4).
 *
 * Errors:  -EINVAL with a sentence that has `name`, the attribute as the user spelled it.
 * Threads: no state.
 */
#ifndef STORE_SEARCH_VALUE_H
#define STORE_SEARCH_VALUE_H

#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

/* All of it.  *room is where copies go, strlen(value) + 1 bytes at most, and is moved behind them;
 * term->value points to those or to value itself.  It is NULL when any value will do, and the match is
 * no range.  The rest of *term is the caller's. */
int search_parse_value(uint16_t vr, const char *name, const char *value, struct search_term *term,
		       char **room, struct err *err);
/* Ranges of dates and times only: anything else is one value, and stays as it is. */
int search_parse_range(uint16_t vr, const char *name, const char *value, struct search_term *term,
		       char **room, struct err *err);

#endif
