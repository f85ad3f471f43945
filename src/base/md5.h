/* md5.h: MD5 of a stream, as Content-MD5 has it (RFC 1864): against accidents only. */
#ifndef BASE_MD5_H
#define BASE_MD5_H

#include <stddef.h>

struct md5;				/* opaque */

#define MD5_TEXT_MAX 25			/* base64 */

struct md5 *md5_new(void);		/* NULL: no memory, or not allowed here */
int  md5_add(struct md5 *m, const void *data, size_t len);	/* 0 or -EIO */
int  md5_get(struct md5 *m, char text[MD5_TEXT_MAX]);		/* once; likewise */
void md5_free(struct md5 *m);		/* NULL is fine */

#endif
