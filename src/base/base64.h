/* base64.h: RFC 4648 4: the alphabet with + and /, padded.
 *
 * Threads: no state.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/* Characters that len bytes become, and the NUL. */
#define BASE64_TEXT_MAX(len) (((len) + 2) / 3 * 4 + 1)

void base64_encode(const void *data, size_t len, char *text);
/* Into at most size bytes: how many they are.  -EINVAL: it is none; -EMSGSIZE. */
ssize_t base64_decode(const char *text, void *data, size_t size);

#endif
