/* event_json.h: a change as an event (contract 14).
 *
 * The same change is the same event, to the byte, whenever and to whomever it is told: its id is made of
 * what it is.
 */
#ifndef STORE_EVENT_JSON_H
#define STORE_EVENT_JSON_H

#include "base/buf.h"
#include "store/store.h"

enum event_schema { EVENT_GRID, EVENT_CLOUD };

struct event_source {
	const char *topic;
	const char *host;		/* of the service */
	bool partitions;		/* the subject names the partition */
};

/* "HOST/v1/studies/STUDY/series/SERIES/instances/INSTANCE". */
void event_put_subject(const struct event_source *source, const struct change_entry *entry, struct buf *out);
void event_put_json(enum event_schema schema, const struct event_source *source, const struct change_entry *entry,
		    struct buf *out);

#endif
