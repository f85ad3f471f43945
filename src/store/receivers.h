/* receivers.h: those who are told of changes, and how far each is in the feed.
 *
 * A receiver is a name; where it is and what it wants to be told is the business of who tells it
 * (ops/events.h).  Its place in the feed is kept in the index: what it was told of is behind it.
 *
 * Threads: any.
 * Errors:  those of store.h.
 */
#ifndef STORE_RECEIVERS_H
#define STORE_RECEIVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "store/store.h"

struct receiver {
	char name[STORE_NAME_MAX + 1];
	uint64_t sequence;		/* of the change that is behind it */
	uint64_t behind;		/* changes that are before it (store_receivers) */
	int64_t updated;		/* ns */
	int64_t failing;		/* ns, since when it takes no events; 0: it does */
	bool served;			/* some process tells it (store_receivers) */
	unsigned char validated[HASH_LEN];	/* of the address that has agreed; zeros: none */
	char why[200];			/* it fails; or "" */
};

/* The place of a receiver; a new one begins with the next change, or with the first of all. */
int  store_receiver_begin(struct store *st, const char *name, bool first, struct receiver *ret_receiver, struct err *err);
/* Keep it, durable. */
int  store_receiver_keep(struct store *st, const struct receiver *receiver, struct err *err);
/* Forget its place.  -ENOENT; -EBUSY: somebody tells it. */
int  store_receiver_forget(struct store *st, const char *name, struct err *err);
/* All there are, by name, until fn returns non-zero, which is returned.  No transaction is held during fn. */
int  store_receivers(struct store *st, int (*fn)(void *ctx, const struct receiver *receiver), void *ctx, struct err *err);

/* Be the only one, of all processes, who tells it; *ret_lock is to be closed.  -EBUSY: somebody else is. */
int  store_receiver_lock(struct store *st, const char *name, int *ret_lock, struct err *err);

#endif
