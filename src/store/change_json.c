#include "store/change_json.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

static const char *const actions[] = {
	[CHANGE_CREATE] = "Create", [CHANGE_UPDATE] = "Update", [CHANGE_DELETE] = "Delete",
};
static const char *const states[] = {
	[CHANGE_CURRENT] = "Current", [CHANGE_REPLACED] = "Replaced", [CHANGE_DELETED] = "Deleted",
};

/* UIDs and names of partitions need no escapes. */
void
change_put_json(const struct change_entry *e, struct buf *out)
{
	const struct change *c = &e->change;
	char time[CLOCK_TEXT_MAX];

	clock_format(c->time, time);
	buf_printf(out, "{\"sequence\":%" PRIu64 ",\"partitionName\":\"%s\"", c->sequence, e->partition);
	if (e->path != NULL)
		buf_printf(out, ",\"filePath\":\"%s\"", e->path);
	/* Consumers of the contract know the zone as a number. */
	buf_printf(out, ",\"studyInstanceUid\":\"%s\",\"seriesInstanceUid\":\"%s\",\"sopInstanceUid\":\"%s\","
		   "\"action\":\"%s\",\"timestamp\":\"%.*s+00:00\",\"state\":\"%s\"",
		   c->study_uid, c->series_uid, c->sop_uid, actions[c->action], (int)strlen(time) - 1, time,
		   states[e->state]);
	if (e->metadata.len > 0) {
		buf_puts(out, ",\"metadata\":");
		buf_put(out, e->metadata.data, e->metadata.len);
	}
	buf_putc(out, '}');
}
