/* events.h: tell receivers of changes, as events (contract 14).
 *
 * Each receiver has a thread of its own, so one that is slow or dead delays no other.  It is told of
 * every change it wants, in the order of the feed, at least once: its place is kept after it took them.
 * What it does not take is sent again, after waits that double, for as long as it takes.  Before
 * its first events a server must agree to be told, as its schema has it.
 * Of several processes that have the store open, one tells a receiver.
 *
 * Threads: any.
 */
#ifndef OPS_EVENTS_H
#define OPS_EVENTS_H

#include "base/err.h"
#include "ops/event_receiver.h"
#include "store/store.h"

struct event_settings {
	const struct event_receiver *receivers;
	size_t n;
	const char *topic, *host;	/* NULL: made of the names of the store */
	size_t batch_count, batch_bytes;	/* events and bytes of one request, at most */
	unsigned retry_ms;		/* between tries, at most; what Retry-After says may be longer */
	const char *ca_file;		/* http_client.h; NULL: the system's */
};

struct events;

/* The settings, what they point to, and the store outlive it. */
int  events_start(struct store *st, const struct event_settings *settings, struct events **ret_events, struct err *err);
/* Ends requests under way.  NULL is fine. */
void events_stop(struct events *events);

#endif
