/* xattr_dicom.h: the attributes of studies, series and instances as extended attributes.
 *
 * user.dicom.<Keyword>, or eight hexadecimal digits of the tag where there is no keyword or it
 * stands for several tags.  Values are UTF-8 text, several of them with backslashes between.
 * Sequences and bulk have none.  All of it comes from the index.
 *
 * Errors: -ENODATA no such attribute; -ENOENT no such node; those of the store.
 * Threads: any.
 */
#ifndef FS_XATTR_DICOM_H
#define FS_XATTR_DICOM_H

#include "base/buf.h"
#include "store/store.h"

#define XATTR_DICOM_PREFIX "user.dicom."

/* What Linux lets through: a value, and a list of names. */
#define XATTR_MAX (64 << 10)

/* Append the value; out is for XATTR_MAX bytes: -E2BIG when it is longer. */
int  xattr_dicom_get(struct store *st, uint64_t id, const char *name, struct buf *out);
/* What an attribute takes of the block that ext4 has for all those of a file: many a header has more
 * than that, and tools that copy attributes then fail. */
uint32_t xattr_cost(const char *name, size_t value_len);
/* Append the names, a NUL after each, by rising tag: those that cost no more than room together.
 * Those that cost least are taken first, private ones after all others.  A cost is more than a name, so
 * with a room of XATTR_MAX the list is no longer than that. */
int  xattr_dicom_list(struct store *st, uint64_t id, size_t room, struct buf *out);

#endif
