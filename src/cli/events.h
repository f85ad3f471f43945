/* events.h: what the options say of receivers of events. */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "cli/access.h"
#include "ops/events.h"

struct cli_events {
	struct event_settings settings;
	struct event_receiver *receivers;
};

/* Lends from conf; secrets are those of access, and copied. */
int  cli_events_read(const struct conf *conf, const struct cli_access *access, struct cli_events *ret_events, struct err *err);
void cli_events_fini(struct cli_events *events);	/* a zeroed one is fine */

#endif
