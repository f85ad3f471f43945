/* guid.h: identifiers, as 8-4-4-4-12 hexadecimal digits (RFC 9562). */
#ifndef BASE_GUID_H
#define BASE_GUID_H

#define GUID_LEN 16
#define GUID_TEXT_MAX 37

/* A random one, of version 4.  -EIO: the system gives no random bytes. */
int  guid_make(char text[GUID_TEXT_MAX]);
/* One of these bytes, of which version and variant take six bits. */
void guid_format(const unsigned char bytes[GUID_LEN], unsigned version, char text[GUID_TEXT_MAX]);

#endif
