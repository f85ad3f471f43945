/* options.h: what stands after mount's -o. */
#ifndef FS_OPTIONS_H
#define FS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct fs_mount_options {
	uint32_t uid, gid;		/* owner shown for what is stored */
	uint32_t umask;
	bool sync;			/* close() waits for the commit */
	bool spin;			/* look for the next request without sleeping for a while */
	bool uring;			/* requests by io_uring where the kernel offers it */
	bool uring_switch;		/* make it offer it */
	bool passthrough;		/* use it where the kernel offers it */
	bool auto_unmount;
	uint32_t xattr_list;		/* bytes that listed attributes may take, as ext4 counts them */
	struct buf rest;		/* libfuse's and the kernel's, comma-separated */
};

/* text may be NULL.  -EINVAL: a bad value of one of ours (libfuse knows which
 * of the rest are options at all); -ENOMEM, -EMSGSIZE. */
int  fs_mount_options_parse(const char *text, struct fs_mount_options *o, struct err *err);
void fs_mount_options_fini(struct fs_mount_options *o);

#endif
