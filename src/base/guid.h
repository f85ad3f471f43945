/* guid.h: random identifiers, as 8-4-4-4-12 hexadecimal digits (RFC 9562, version 4). */
#ifndef BASE_GUID_H
#define BASE_GUID_H

#define GUID_TEXT_MAX 37

/* -EIO: the system gives no random bytes. */
int guid_make(char text[GUID_TEXT_MAX]);

#endif
