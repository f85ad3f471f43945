#include "store/event_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/guid.h"
#include "base/hash.h"

_Static_assert(HASH_LEN == GUID_LEN, "all of it");

static const char *const types[] = {
	[CHANGE_CREATE] = "Microsoft.HealthcareApis.DicomImageCreated",
	[CHANGE_UPDATE] = "Microsoft.HealthcareApis.DicomImageUpdated",
	[CHANGE_DELETE] = "Microsoft.HealthcareApis.DicomImageDeleted",
};

/* RFC 9562, version 8: what the bits are is ours to say. */
static void
make_id(const struct event_source *source, const struct change *c, char text[GUID_TEXT_MAX])
{
	unsigned char hash[HASH_LEN];
	char seed[1024];
	int n = snprintf(seed, sizeof seed, "%.512s %" PRIu64 " %" PRId64 " %s", source->host, c->sequence, c->time, c->sop_uid);

	hash_bytes(seed, (size_t)n, hash);
	guid_format(hash, 8, text);
}

/* UIDs and names of partitions need no escapes. */
void
event_put_subject(const struct event_source *source, const struct change_entry *e, struct buf *out)
{
	const struct change *c = &e->change;

	buf_printf(out, "%s/v1", source->host);
	if (source->partitions)
		buf_printf(out, "/partitions/%s", e->partition);
	buf_printf(out, "/studies/%s/series/%s/instances/%s", c->study_uid, c->series_uid, c->sop_uid);
}

static void
put_data(const struct event_source *source, const struct change_entry *e, struct buf *out)
{
	const struct change *c = &e->change;

	buf_printf(out, "\"data\":{\"partitionName\":\"%s\",\"imageStudyInstanceUid\":\"%s\",\"imageSeriesInstanceUid\":\"%s\","
		   "\"imageSopInstanceUid\":\"%s\",\"serviceHostName\":", e->partition, c->study_uid, c->series_uid, c->sop_uid);
	buf_put_json_string(out, source->host, strlen(source->host));
	buf_printf(out, ",\"sequenceNumber\":%" PRIu64 "}", c->sequence);
}

static void
put_subject(const struct event_source *source, const struct change_entry *e, struct buf *out)
{
	struct buf subject;

	buf_init(&subject, 2048);
	event_put_subject(source, e, &subject);
	buf_puts(out, ",\"subject\":");
	buf_put_json_string(out, subject.data != NULL ? subject.data : "", subject.len);
	buf_fini(&subject);
}

void
event_put_json(enum event_schema schema, const struct event_source *source, const struct change_entry *e, struct buf *out)
{
	const struct change *c = &e->change;
	char id[GUID_TEXT_MAX], time[CLOCK_TEXT_MAX];
	bool cloud = schema == EVENT_CLOUD;

	make_id(source, c, id);
	clock_format(c->time, time);
	buf_printf(out, "{\"id\":\"%s\",\"%s\":", id, cloud ? "source" : "topic");
	buf_put_json_string(out, source->topic, strlen(source->topic));
	put_subject(source, e, out);
	buf_putc(out, ',');
	put_data(source, e, out);
	/* The contract's sample writes specVersion; receivers go by CloudEvents. */
	if (cloud)
		buf_printf(out, ",\"type\":\"%s\",\"time\":\"%s\",\"specversion\":\"1.0\",\"datacontenttype\":\"application/json\"}",
			   types[c->action], time);
	else
		buf_printf(out, ",\"eventType\":\"%s\",\"dataVersion\":\"1\",\"metadataVersion\":\"1\",\"eventTime\":\"%s\"}",
			   types[c->action], time);
}
