/* follow.h: clients that follow the change feed, as server-sent events.
 *
 * One thread serves them all.  A follower costs its socket and the page of the feed it has
 * not taken yet, which those at the same place share; one that does not read waits alone and is
 * dropped after LIMIT_IDLE_MS.
 *
 * Threads: any.
 */
#ifndef WEB_FOLLOW_H
#define WEB_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

struct follow;

int  follow_start(struct store *st, struct follow **ret_follow);
/* Ends the streams.  NULL is fine. */
void follow_stop(struct follow *follow);
/* A place, which follow_add takes.  -EMFILE when there is none. */
int  follow_reserve(struct follow *follow, struct err *err);
/* Takes fd, a socket on which the head of the reply was sent; -1 gives the place back.  The
 * stream begins behind the change with that sequence. */
void follow_add(struct follow *follow, int fd, uint64_t after, bool metadata);

#endif
