/* watch.h: ends transfers that are too slow.
 *
 * civetweb's own timeout starts anew with every byte, so a peer that sends or
 * reads one byte a second would hold a thread for days.  A worker says, before
 * it hands a piece to civetweb, when that must be done; a thread of its own
 * shuts down the sockets of those that are overdue, which makes civetweb's call fail.
 *
 * Threads: any; a slot belongs to one thread.
 */
#ifndef WEB_WATCH_H
#define WEB_WATCH_H

#include <stddef.h>
#include <stdint.h>

struct watch;
struct watch_slot;

/* A piece may take idle_ms and the time its bytes need at LIMIT_SLOWEST. */
int  watch_start(unsigned idle_ms, struct watch **ret_watch);
void watch_stop(struct watch *watch);			/* all slots are closed; NULL is fine */

/* fd is the socket, -1 when unknown (then nothing happens).  NULL: no memory. */
struct watch_slot *watch_open(struct watch *watch, int fd);
/* The next piece of so many bytes begins. */
void watch_arm(struct watch_slot *slot, size_t len);	/* NULL is fine */
void watch_disarm(struct watch_slot *slot);
void watch_close(struct watch_slot *slot);

#endif
