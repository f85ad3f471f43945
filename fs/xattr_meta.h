/* xattr_meta.h: external metadata of studies (store/external.h) as extended attributes.
 *
 * user.meta.ggggeeee, VR:value.  Unlike all others they can be set.
 *
 * Errors: -ENODATA, -EINVAL, -EEXIST, -ENOENT no such study; those of the store.
 * Threads: any.
 */
#ifndef FS_XATTR_META_H
#define FS_XATTR_META_H

#include "base/buf.h"
#include "store/store.h"

#define XATTR_META_PREFIX "user.meta."

/* Append the value. */
int  xattr_meta_get(struct store *st, uint64_t study, const char *name, struct buf *out);
/* Append the names as far as *room goes, as xattr_cost (xattr_dicom.h) counts, and take that from it. */
int  xattr_meta_list(struct store *st, uint64_t study, size_t *room, struct buf *out);
/* flags are setxattr's. */
int  xattr_meta_set(struct store *st, uint64_t study, const char *name, const char *value, size_t len, int flags);

#endif
