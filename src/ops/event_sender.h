/* event_sender.h: one receiver's end of the wire: agree with it, and hand it a batch. */
#ifndef OPS_EVENT_SENDER_H
#define OPS_EVENT_SENDER_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "ops/events.h"

struct event_sender;

/* stop: ends requests under way. */
int  event_sender_new(const struct event_receiver *receiver, const struct event_source *source, const char *ca_file,
		      const atomic_bool *stop, struct event_sender **ret_sender, struct err *err);
void event_sender_free(struct event_sender *sender);	/* NULL is fine */

/* What it comes to: 0, or -EMSGSIZE (the batch is too large for it), -EACCES (it does not agree), else that it
 * is to be tried again. *ret_wait: so many s it asks to be left alone; -1: it does not say. */
int  event_sender_agree(struct event_sender *sender, int64_t *ret_wait, struct err *err);
/* Events with commas between them to a server, ended by line feeds to a file. */
int  event_sender_send(struct event_sender *sender, struct slice events, unsigned tries, int64_t *ret_wait, struct err *err);

#endif
