/* coding.h: content codings (RFC 9110 8.4.1) as streams.
 *
 * Threads: one at a time per stream.
 */
#ifndef BASE_CODING_H
#define BASE_CODING_H

#include <stdbool.h>
#include <stddef.h>

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_ZSTD };

/* As Content-Encoding has it. */
const char *coding_name(enum coding coding);

/* ------------------------------------------------------------ decoding ---- */

/* gzip, several members one after another too, and zlib streams ("deflate"). */
struct decoder;

int  decoder_new(struct decoder **ret_decoder);		/* -ENOMEM */
/* Take from *data, *len (which are moved on) and give up to size bytes.  Returns the count;
 * 0: it wants more, or what was given is the whole (decoder_is_complete).  -EBADMSG, -ENOMEM. */
int  decoder_read(struct decoder *d, const void **data, size_t *len, void *to, size_t size);
/* Could it end here? */
bool decoder_is_complete(const struct decoder *d);
void decoder_free(struct decoder *d);			/* NULL is fine */

/* ------------------------------------------------------------ encoding ---- */

/* Fast rather than small: JSON shrinks to a tenth either way. */
struct encoder;

int  encoder_new(enum coding coding, struct encoder **ret_encoder);	/* not CODING_IDENTITY; -ENOMEM */
/* Take from *data, *len (which are moved on) and give up to size bytes, the count in *ret_made.
 * 1: call again with more room; 0: all is taken, and with last all is given.  -EIO. */
int  encoder_write(struct encoder *e, const void **data, size_t *len, bool last, void *to, size_t size,
		   size_t *ret_made);
void encoder_free(struct encoder *e);			/* NULL is fine */

#endif
