/* walk.h: the files below some paths, one after the other, to several threads.
 *
 * One thread (walk_run) goes through the folders; others take files.  A folder's
 * files come in the order of their inodes, which on most file systems is the
 * order on disk.  Symbolic links below a path are not followed.  The walker stops
 * while too many names wait.
 *
 * Threads: walk_run on one, walk_next on any.
 */
#ifndef CLI_WALK_H
#define CLI_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct walk;

/* avoid: a directory (the store) that is never entered. */
int  walk_new(const char *avoid, struct walk **ret_walk);
/* Go through paths; what cannot be looked into is told to refuse(ctx, path, why). */
void walk_run(struct walk *w, char *const *paths, int count,
	      void (*refuse)(void *ctx, const char *path, const char *why), void *ctx);
/* The next file's path (free() it), or NULL at the end. */
char *walk_next(struct walk *w);
/* Everybody shall stop soon. */
void walk_cancel(struct walk *w);
/* Files found until now, and whether these are all. */
uint64_t walk_found(struct walk *w, bool *ret_all);
void walk_free(struct walk *w);

#endif
