/* media.h: the files that the DICOMDIR of a folder names.
 *
 * Names are looked up without regard to case, below the folder only, and no
 * symbolic link is followed.
 *
 * Threads: no state.
 */
#ifndef CLI_MEDIA_H
#define CLI_MEDIA_H

#include <stdbool.h>

#include "base/err.h"

struct media {
	/* A file that it names.  Takes path; false: stop. */
	bool (*file)(void *ctx, char *path);
	/* One that is not there, or cannot be. */
	void (*refuse)(void *ctx, const char *path, const char *why);
	void *ctx;
};

/* The name of the DICOMDIR in the folder, in its own spelling: free() it.  NULL: there is none. */
char *media_find(const char *folder);
/* Go through what the DICOMDIR `name` of the folder names.  1: all; 0: stopped; or -errno: it is none,
 * cannot be read, or (-ENODATA) names no files. */
int  media_run(const struct media *m, const char *folder, const char *name, struct err *err);

#endif
