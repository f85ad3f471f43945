/* event_receiver.h: what the configuration says of one receiver of events.
 *
 *	NAME URL [KEY=VALUE]...
 *
 * URL is http://, https:// or, for a file of JSON lines, file://.  The keys are in dicomlake.conf(5).
 */
#ifndef OPS_EVENT_RECEIVER_H
#define OPS_EVENT_RECEIVER_H

#include <stdbool.h>

#include "base/err.h"
#include "store/event_json.h"
#include "store/store.h"

#define EVENT_URL_MAX 2048
#define EVENT_FILTER_MAX 512
#define EVENT_SECRET_MAX 4096

struct event_receiver {
	char name[STORE_NAME_MAX + 1];
	char url[EVENT_URL_MAX];	/* no secret is in it */
	char path[EVENT_URL_MAX];	/* of a file; "": it is a server */
	enum event_schema schema;
	unsigned actions;		/* bits 1 << enum change_action */
	char begins[EVENT_FILTER_MAX], ends[EVENT_FILTER_MAX];	/* of subjects; "": any */
	bool first;			/* begins with the first change that there is */
	bool validate;			/* by the handshake of its schema */
	char header_secret[64], query_secret[64];	/* names of secrets; "": none */
	/* What those names stand for; set by who read them. */
	char header[EVENT_SECRET_MAX];	/* "Name: value" */
	char query[EVENT_SECRET_MAX];	/* "key=value" */
};

/* -EINVAL, and why. */
int  event_receiver_parse(const char *text, struct event_receiver *ret_receiver, struct err *err);
/* "Name: value" that a header may be, without line breaks. */
bool event_header_is_valid(const char *text);
/* "key=value" of characters a URL has. */
bool event_query_is_valid(const char *text);
bool event_receiver_wants(const struct event_receiver *receiver, const struct event_source *source,
			  const struct change_entry *entry);

#endif
