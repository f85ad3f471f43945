#include "cli/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVERS_MAX 64

/* A secret by its name.  The sentence must not hold what it stands for. */
static int
take_secret(const struct cli_access *access, const struct event_receiver *v, const char *name, bool (*is_valid)(const char *),
	    const char *form, char out[EVENT_SECRET_MAX], struct err *err)
{
	const char *value = name[0] != '\0' ? cli_access_find(access, name) : "";

	if (value == NULL)
		return err_set(err, -EINVAL, "receiver %s: %s is set neither in the credentials nor in the environment", v->name, name);
	if (name[0] != '\0' && (strlen(value) >= EVENT_SECRET_MAX || !is_valid(value)))
		return err_set(err, -EINVAL, "receiver %s: what %s stands for is not of the form %s", v->name, name, form);
	strcpy(out, value);
	return 0;
}

static int
add(struct cli_events *e, const struct cli_access *access, const char *text, struct err *err)
{
	struct event_receiver *v = &e->receivers[e->settings.n];
	size_t i;
	int r;

	if (e->settings.n == RECEIVERS_MAX)
		return err_set(err, -EINVAL, "there are more than %d receivers of events", RECEIVERS_MAX);
	r = event_receiver_parse(text, v, err);
	for (i = 0; i < e->settings.n && r == 0; i++)
		if (strcmp(e->receivers[i].name, v->name) == 0)
			r = err_set(err, -EINVAL, "receiver %s is named twice", v->name);
	if (r == 0)
		r = take_secret(access, v, v->header_secret, event_header_is_valid, "Name: value", v->header, err);
	if (r == 0)
		r = take_secret(access, v, v->query_secret, event_query_is_valid, "key=value", v->query, err);
	if (r == 0)
		e->settings.n++;
	return r;
}

int
cli_events_read(const struct conf *conf, const struct cli_access *access, struct cli_events *e, struct err *err)
{
	const char *list = conf_text(conf, OPT_EVENT_RECEIVER);
	char *copy, *one, *state = NULL;
	int r = 0;

	*e = (struct cli_events){ .settings = {
		.topic = conf_text(conf, OPT_EVENT_TOPIC),
		.host = conf_text(conf, OPT_EVENT_HOST),
		.batch_count = conf_number(conf, OPT_EVENT_BATCH),
		.batch_bytes = conf_number(conf, OPT_EVENT_BATCH_SIZE),
		.retry_ms = (unsigned)conf_number(conf, OPT_EVENT_RETRY),
		.ca_file = conf_text(conf, OPT_CA_FILE),
	} };
	if ((e->settings.host != NULL && strlen(e->settings.host) > 253) ||
	    (e->settings.topic != NULL && strlen(e->settings.topic) > 1024))
		return err_set(err, -EINVAL, "event-host and event-topic are at most 253 and 1024 bytes long");
	if (list == NULL)
		return 0;
	copy = strdup(list);
	e->receivers = calloc(RECEIVERS_MAX + 1, sizeof *e->receivers);
	e->settings.receivers = e->receivers;
	if (copy == NULL || e->receivers == NULL)
		r = err_set(err, -ENOMEM, "no memory");
	for (one = r == 0 ? strtok_r(copy, ",", &state) : NULL; one != NULL && r == 0; one = strtok_r(NULL, ",", &state))
		r = add(e, access, one, err);
	free(copy);
	if (r < 0)
		cli_events_fini(e);
	return r;
}

void
cli_events_fini(struct cli_events *e)
{
	if (e->receivers != NULL)
		explicit_bzero(e->receivers, (RECEIVERS_MAX + 1) * sizeof *e->receivers);
	free(e->receivers);
	*e = (struct cli_events){ .receivers = NULL };
}
