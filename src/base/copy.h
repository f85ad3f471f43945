/* copy.h: what is in a file, into another.
 *
 * Where the kernel can it copies, or lets them share blocks.  The positions of both files neither count nor move.
 *
 * Threads: no state.
 * Errors:  -ECANCELED *stop was set (NULL: nothing stops it); -EIO the file became shorter; -ENOMEM, and those of
 *          read(2) and write(2).
 */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <stdatomic.h>
#include <stdint.h>

/* len bytes from off on to where `at` is. */
int copy_bytes(int from, uint64_t off, int to, uint64_t at, uint64_t len, const atomic_bool *stop);
/* All, into an empty one, and what goes with them. */
int copy_file(int from, int to, const atomic_bool *stop);
/* What goes with them: mode, times, and what it has for users, where that can be kept. */
int copy_file_attributes(int from, int to);

#endif
