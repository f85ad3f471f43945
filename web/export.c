/* Export (contract 9). */
#include "web/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "web/handlers.h"
#include "web/json_input.h"
#include "web/operations.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

/* ------------------------------------------------------------ source ---- */

static int
read_values(json_t *settings, struct export_order *o, struct err *err)
{
	json_t *values = NULL;
	size_t i, n;
	int r = json_member_array(settings, "values", &values, err);

	n = json_array_size(values);
	if (r == 0 && n == 0)
		r = err_set(err, -EINVAL, "The source has no values");
	if (r < 0)
		return r;
	o->values = calloc(n, sizeof *o->values);
	if (o->values == NULL)
		return err_set(err, -ENOMEM, "No memory");
	for (i = 0; i < n; i++) {
		o->values[i] = json_string_value(json_array_get(values, i));
		if (o->values[i] == NULL || strlen(o->values[i]) != json_string_length(json_array_get(values, i)))
			return err_set(err, -EINVAL, "Each of the values of the source must be a string");
	}
	o->request.values = o->values;
	o->request.n_values = n;
	return 0;
}

static int
read_time(json_t *settings, const char *name, int64_t *time, struct err *err)
{
	const char *text;
	int r = json_member_text(settings, name, &text, err);

	if (r == 0 && text != NULL && clock_parse(text, time) < 0)
		r = err_set(err, -EINVAL, "%s must be a time with its zone, as 2025-03-01T08:00:00Z", name);
	return r;
}

static int
read_window(json_t *settings, struct export_order *o, struct err *err)
{
	int r;

	o->request.since = EXPORT_SINCE_EVER;
	o->request.until = clock_ticks(clock_now());
	r = read_time(settings, "startTime", &o->request.since, err);
	return r < 0 ? r : read_time(settings, "endTime", &o->request.until, err);
}

static int
read_source(const struct dialect *dialect, json_t *body, struct export_order *o, struct err *err)
{
	const char *type = NULL;
	json_t *source, *settings = NULL;
	int r = json_member_object(body, "source", &source, err);

	if (r == 0)
		r = json_member_object(source, "settings", &settings, err);
	if (r == 0)
		r = json_member_text(source, "type", &type, err);
	if (r < 0)
		return r;
	if (settings == NULL && (type == NULL || strcasecmp(type, "identifiers") == 0)) {
		/* Contract 9.2, 11.6. */
		if (!dialect->wide_export)
			return err_set(err, -EINVAL, "A source with identifiers is needed: everything cannot be exported from a "
				       "service with data-lake storage");
		o->request.source = EXPORT_EVERYTHING;
		return 0;
	}
	if (type != NULL && strcasecmp(type, "identifiers") == 0) {
		o->request.source = EXPORT_IDENTIFIERS;
		return read_values(settings, o, err);
	}
	if (type != NULL && dialect->wide_export && strcasecmp(type, "query") == 0) {
		o->request.source = EXPORT_QUERY;
		return read_values(settings, o, err);
	}
	if (type != NULL && dialect->wide_export && strcasecmp(type, "changeFeed") == 0) {
		o->request.source = EXPORT_CHANGES;
		return read_window(settings, o, err);
	}
	return err_set(err, -EINVAL, dialect->wide_export ? "The type of the source must be identifiers, query or changeFeed"
							   : "The type of the source must be identifiers");
}

/* ------------------------------------------------------- destination ---- */

static int
check_credential(const struct export_settings *settings, struct destination_spec *spec, struct err *err)
{
	if (spec->kind == DESTINATION_FILE)
		return export_set_root(settings, spec, err);
	/* The service's own, whoever asks. */
	if (spec->kind == DESTINATION_S3)
		return export_take_s3_access(settings, spec, err);
	if (spec->managed_identity && (spec->sas != NULL && strstr(spec->sas, "sig=") != NULL))
		return err_set(err, -EINVAL, "useManagedIdentity and a shared access signature exclude each other");
	if (spec->managed_identity && !destination_is_private(spec))
		return err_set(err, -EINVAL, "The token of a managed identity is sent by https only");
	if (spec->key != NULL && !destination_is_emulator(spec))
		return err_set(err, -EINVAL, "The connection string must not have the key of the account");
	if (spec->sas != NULL && !spec->managed_identity && !settings->sas)
		return err_set(err, -EINVAL, "Shared access signatures are not allowed in this service");
	if (spec->key == NULL && spec->sas == NULL && !spec->managed_identity && !settings->no_credential)
		return err_set(err, -EINVAL, "No credential is given, and containers open to the public are not allowed in this "
			       "service");
	return 0;
}

static int
read_destination(const struct export_settings *settings, json_t *body, struct export_order *o, struct err *err)
{
	const char *type = NULL, *uri = NULL, *connection = NULL, *container = NULL;
	json_t *destination, *members = NULL;
	bool managed = false;
	int r = json_member_object(body, "destination", &destination, err);

	if (r == 0)
		r = json_member_text(destination, "type", &type, err);
	if (r == 0)
		r = json_member_object(destination, "settings", &members, err);
	if (r == 0)
		r = json_member_text(members, "blobContainerUri", &uri, err);
	if (r == 0)
		r = json_member_text(members, "connectionString", &connection, err);
	if (r == 0)
		r = json_member_text(members, "blobContainerName", &container, err);
	if (r == 0)
		r = json_member_bool(members, "useManagedIdentity", &managed, err);
	if (r < 0)
		return r;
	if (type == NULL || strcasecmp(type, "azureblob") != 0)
		return err_set(err, -EINVAL, "The type of the destination must be azureblob");
	if (uri != NULL && (connection != NULL || container != NULL))
		return err_set(err, -EINVAL, "blobContainerUri excludes connectionString and blobContainerName");
	if (uri == NULL && (connection == NULL || container == NULL))
		return err_set(err, -EINVAL, "The destination needs blobContainerUri, or connectionString and blobContainerName");
	if (managed && connection != NULL)
		return err_set(err, -EINVAL, "useManagedIdentity and connectionString exclude each other");
	r = uri != NULL ? destination_spec_of_uri(uri, &o->spec, err) : destination_spec_of_connection(connection, container, &o->spec, err);
	if (r < 0)
		return r;
	o->spec.managed_identity = managed && o->spec.kind == DESTINATION_AZURE;
	return check_credential(settings, &o->spec, err);
}

/* -------------------------------------------------------------- both ---- */

void
export_order_fini(struct export_order *o)
{
	destination_spec_fini(&o->spec);
	free(o->values);
	o->values = NULL;
}

int
export_order_parse(const struct dialect *dialect, const struct export_settings *settings, json_t *body,
		   struct export_order *ret_order, struct err *err)
{
	struct export_order o = { .values = NULL };
	int r;

	if (!json_is_object(body))
		return err_set(err, -EINVAL, "The body must be an object with source and destination");
	r = read_source(dialect, body, &o, err);
	if (r == 0)
		r = read_destination(settings, body, &o, err);
	if (r < 0)
		export_order_fini(&o);
	else
		*ret_order = o;
	return r;
}

static int
begin(struct request *rq, const struct export_settings *settings, json_t *body, struct err *err)
{
	char operation[OPERATION_TEXT_MAX] = "";
	struct export_order o;
	int r = export_order_parse(rq->dialect, settings, body, &o, err);

	if (r < 0)
		return r;
	o.request.partition = rq->partition;
	r = export_begin(rq->service->store, settings, &o.spec, &o.request, operation, err);
	export_order_fini(&o);
	return operation_reply_begun(rq, r, operation);
}

int
export_handle(struct request *rq, struct err *err)
{
	const struct export_settings *settings = rq->service->exports;
	json_t *body = NULL;
	int r;

	if (settings == NULL)
		return err_set(err, -ENOENT, "Export is not enabled in this service");
	r = json_read_body(rq, &body, err);
	if (r == 0)
		r = begin(rq, settings, body, err);
	json_decref(body);
	return r;
}
