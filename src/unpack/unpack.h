/* unpack.h: what is in an archive, one entry after the other; nothing is written to disk.
 *
 * tar, cpio, zip, 7-zip and ISO 9660, as they are or packed by gzip, bzip2, xz, lzma, zstd, lz4 or
 * compress.  What an archive is, its bytes say and not its name.
 *
 * All of the bytes are foreign.  An entry's name is only a text; what it says of links, owners
 * and devices is nobody's.  An archive that unpacks to more than UNPACK_BOMB_MIN and
 * UNPACK_BOMB_RATIO times its own size is given up.
 *
 * Errors:  -EINVAL not an archive; -EBADMSG the archive is broken, cut short or a bomb, and no more of it can be
 *          read; -EIO, -ENOMEM.
 * Threads: one at a time per archive.
 */
#ifndef UNPACK_UNPACK_H
#define UNPACK_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* zeros shrink by 1,000 in gzip; images that are mostly air by 100, and few have so much of it */
#define UNPACK_BOMB_MIN ((uint64_t)4 << 30)
#define UNPACK_BOMB_RATIO 500

struct unpack;

enum unpack_kind { UNPACK_FILE, UNPACK_FOLDER, UNPACK_LINK, UNPACK_OTHER };

struct unpack_entry {
	const char *name;		/* as the archive has it; lent until the next entry */
	enum unpack_kind kind;
	bool encrypted;			/* it cannot be read */
};

/* fd is borrowed, a regular file, and read by pread. */
int  unpack_open(int fd, struct unpack **ret_unpack, struct err *err);
/* 1: *ret_entry is the next; 0: the end. */
int  unpack_next(struct unpack *u, struct unpack_entry *ret_entry, struct err *err);
/* Up to len bytes of the entry; 0 at its end.  -ENODATA: this entry cannot be read, the next ones may. */
ssize_t unpack_read(struct unpack *u, void *data, size_t len, struct err *err);
void unpack_close(struct unpack *u);		/* NULL is fine */

#endif
