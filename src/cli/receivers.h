/* receivers.h: a receiver of events, as status and events show it. */
#ifndef CLI_RECEIVERS_H
#define CLI_RECEIVERS_H

#include "store/receivers.h"

/* Onto a struct buf that ends in '[' or in another one. */
int receiver_put_json(void *buf, const struct receiver *receiver);
/* A line, after the text that is given. */
int receiver_print(void *before, const struct receiver *receiver);

#endif
