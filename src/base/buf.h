/* buf.h: a growing byte buffer with a ceiling.
 *
 * The first failure sticks: every later call does nothing and returns the
 * same error, so a writer checks once, at its end (buf_error).  The bytes are
 * always followed by a NUL that does not count, so data is a C string when
 * no NUL was put in.
 *
 * Errors:  -ENOMEM; -EMSGSIZE the ceiling was reached.
 * Threads: one at a time per buffer.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf {
	char *data;		/* NULL until the first byte */
	size_t len;
	size_t cap;		/* private */
	size_t max;		/* len never passes this */
	int error;		/* private: the sticky error */
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);		/* a zeroed or finished one is fine */
void buf_reset(struct buf *b);		/* empty again, error forgotten, memory kept */
int  buf_error(const struct buf *b);

int  buf_put(struct buf *b, const void *data, size_t len);
int  buf_puts(struct buf *b, const char *s);
int  buf_putc(struct buf *b, char c);
int  buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int  buf_vprintf(struct buf *b, const char *fmt, va_list ap);
/* Make room for len more bytes; *ret_room points at them.  buf_grow then
 * counts those really written. */
int  buf_reserve(struct buf *b, size_t len, char **ret_room);
void buf_grow(struct buf *b, size_t len);
/* Drop all but the first len bytes. */
void buf_truncate(struct buf *b, size_t len);
/* The caller now owns the bytes (free()); b is empty again. */
char *buf_take(struct buf *b, size_t *ret_len);
struct slice buf_slice(const struct buf *b);

/* Put s as a JSON string with its quotes.  Bytes that are not UTF-8 become
 * U+FFFD, so the result is always valid JSON. */
int  buf_put_json_string(struct buf *b, const char *s, size_t len);

#endif
