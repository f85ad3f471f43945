/* walk.h: the files below a folder.
 *
 * A folder's files come in the order of their inodes, which on most file systems is the
 * order on disk.  Symbolic links below it are not followed.
 *
 * Threads: no state.
 */
#ifndef CLI_WALK_H
#define CLI_WALK_H

#include <stdbool.h>
#include <sys/stat.h>

struct walk {
	struct stat avoid;		/* a directory that is never entered; zeros: none */
	/* A file.  Takes path; false: stop. */
	bool (*file)(void *ctx, char *path);
	/* What cannot be looked into, or is neither file nor folder. */
	void (*refuse)(void *ctx, const char *path, const char *why);
	void *ctx;
};

/* path: a folder.  false: stopped. */
bool walk_folder(const struct walk *w, const char *path);

#endif
