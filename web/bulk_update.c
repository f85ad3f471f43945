/* Bulk update (contract 6): the body of the request taken apart, and what is wrong with it told. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/tag.h"
#include "store/update.h"
#include "web/handlers.h"
#include "web/json_input.h"
#include "web/operations.h"
#include "web/reply.h"
#include "web/server.h"

/* More attributes than can be updated are looked at, so that each is told of; and then no more. */
#define VALUES_MAX 256

struct change_set {
	struct update_value values[VALUES_MAX];
	size_t texts[VALUES_MAX];	/* where each begins */
	size_t n;
	struct buf text;
	struct buf faults;		/* items of FailedAttributesSequence */
};

/* ------------------------------------------------------------ values ---- */

static const char *
put_name(json_t *value, struct buf *out)
{
	static const char *const groups[] = { "Alphabetic", "Ideographic", "Phonetic" };
	size_t i, pending = 0;

	for (i = 0; i < 3; i++) {
		json_t *group = json_object_get(value, groups[i]);

		if (group != NULL && !json_is_null(group)) {
			if (!json_is_string(group))
				return "a group of a name must be a string";
			for (; pending > 0; pending--)
				buf_putc(out, '=');
			buf_puts(out, json_string_value(group));
		}
		pending++;
	}
	return NULL;
}

static const char *
put_value(uint16_t vr, json_t *value, struct buf *out)
{
	char *number;

	if (json_is_string(value)) {
		/* A separator inside of one would make two of it. */
		if (vr != VR('L', 'T') && vr != VR('S', 'T') && vr != VR('U', 'T') &&
		    strchr(json_string_value(value), '\\') != NULL)
			return "a value has a backslash";
		buf_puts(out, json_string_value(value));
		return NULL;
	}
	if (json_is_object(value))
		return put_name(value, out);
	if (!json_is_number(value))
		return json_is_null(value) ? NULL : "a value is neither text nor number";
	number = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	if (number != NULL)
		buf_puts(out, number);
	free(number);
	return NULL;
}

static const char *
take_value(json_t *element, struct change_set *c, struct update_value *v)
{
	json_t *vr, *values, *value;
	const char *why = NULL;
	size_t i;

	if (!json_is_object(element))
		return "it is no attribute of DICOM JSON";
	vr = json_object_get(element, "vr");
	if (!json_is_string(vr) || strlen(json_string_value(vr)) != 2)
		return "it has no vr";
	v->vr = VR(json_string_value(vr)[0], json_string_value(vr)[1]);
	values = json_object_get(element, "Value");
	if (values != NULL && !json_is_array(values))
		return "Value must be an array";
	json_array_foreach(values, i, value) {
		if (i > 0)
			buf_putc(&c->text, '\\');
		why = put_value(v->vr, value, &c->text);
		if (why != NULL)
			return why;
	}
	return NULL;
}

static void
put_fault(struct change_set *c, uint32_t tag, const char *why)
{
	char text[200];

	snprintf(text, sizeof text, "DICOM100: (%04x,%04x) - %s", TAG_GROUP(tag), TAG_ELEMENT(tag), why);
	buf_puts(&c->faults, c->faults.len > 0 ? ",{\"00000902\":{\"vr\":\"LO\",\"Value\":["
					       : "{\"00000902\":{\"vr\":\"LO\",\"Value\":[");
	buf_put_json_string(&c->faults, text, strlen(text));
	buf_puts(&c->faults, "]}}");
}

static int
take_changes(json_t *set, struct change_set *c, struct err *err)
{
	struct update_value *v;
	const char *key, *why;
	json_t *element;
	size_t i;

	if (!json_is_object(set))
		return err_set(err, -EINVAL, "changeDataset must be a data set");
	json_object_foreach(set, key, element) {
		if (c->n == VALUES_MAX)
			return err_set(err, -EINVAL, "changeDataset has more attributes than can be updated");
		v = &c->values[c->n];
		if (tag_parse(key, strlen(key), &v->tag) < 0)
			return err_set(err, -EINVAL, "changeDataset has a member that is no attribute");
		c->texts[c->n] = c->text.len;
		why = take_value(element, c, v);
		buf_putc(&c->text, '\0');
		if (buf_error(&c->text) < 0)
			return err_set(err, -EFBIG, "changeDataset is too large");
		if (why != NULL)
			put_fault(c, v->tag, why);
		else
			c->n++;
	}
	/* The buffer does not move any more. */
	for (i = 0; i < c->n; i++) {
		c->values[i].text = c->text.data + c->texts[i];
		why = store_check_update(&c->values[i]);
		if (why != NULL)
			put_fault(c, c->values[i].tag, why);
	}
	return 0;
}

/* ----------------------------------------------------------- request ---- */

static int
take_studies(json_t *list, const char *uids[UPDATE_STUDIES_MAX + 1], size_t *ret_n, struct err *err)
{
	json_t *uid;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) == 0)
		return err_set(err, -EINVAL, "studyInstanceUids must be an array of at least one UID");
	if (json_array_size(list) > UPDATE_STUDIES_MAX)
		return err_set(err, -EINVAL, "An update is of at most %d studies", UPDATE_STUDIES_MAX);
	json_array_foreach(list, i, uid) {
		if (!json_is_string(uid))
			return err_set(err, -EINVAL, "A member of studyInstanceUids is no string");
		uids[i] = json_string_value(uid);
	}
	*ret_n = json_array_size(list);
	return 0;
}

/* Contract 6.1: what is wrong with the attributes is told as a data set. */
static int
reply_faults(struct request *rq, const struct change_set *c)
{
	struct buf out;
	int r;

	buf_init(&out, LIMIT_LIST);
	buf_puts(&out, "{\"00741048\":{\"vr\":\"SQ\",\"Value\":[");
	buf_put(&out, c->faults.data, c->faults.len);
	buf_puts(&out, "]}}");
	r = reply_buf(rq, 400, "application/dicom+json", &out);
	buf_fini(&out);
	return r;
}

static int
begin(struct request *rq, json_t *body, struct change_set *c, struct err *err)
{
	const char *uids[UPDATE_STUDIES_MAX + 1];
	struct update_request update = { .partition = rq->partition, .study_uids = uids };
	char operation[OPERATION_TEXT_MAX] = "";
	json_t *set;
	int r;

	if (!json_is_object(body))
		return err_set(err, -EINVAL, "The body must be an object");
	r = take_studies(json_member(body, "studyInstanceUids"), uids, &update.n_studies, err);
	if (r == 0)
		r = json_member_text(body, "seriesInstanceUid", &update.series_uid, err);
	if (r == 0)
		r = json_member_text(body, "sopInstanceUid", &update.sop_uid, err);
	set = json_member(body, "changeDataset");
	if (r == 0)
		r = take_changes(set, c, err);
	if (r < 0)
		return r;
	if (c->faults.len > 0)
		return reply_faults(rq, c);
	update.values = c->values;
	update.n_values = c->n;
	r = store_begin_update(rq->web->store, &update, operation, err);
	if (r == 0) {
		ops_wake(rq->web->options.ops);
		operation_reply_begun(rq, operation);
	} else if (r == -EBUSY) {
		operation_put_location(rq, operation);
	}
	return r;
}

int
bulk_update_handle(struct request *rq, struct err *err)
{
	struct change_set *c = calloc(1, sizeof *c);
	json_t *body = NULL;
	int r;

	if (c == NULL)
		return err_set(err, -ENOMEM, "No memory");
	buf_init(&c->text, 2 * LIMIT_JSON);
	buf_init(&c->faults, LIMIT_LIST);
	r = rq->web->options.ops == NULL ? err_set(err, -EINVAL, "Nobody works on operations here") :
					   json_read_body(rq, &body, err);
	if (r == 0)
		r = begin(rq, body, c, err);
	json_decref(body);
	buf_fini(&c->text);
	buf_fini(&c->faults);
	free(c);
	return r;
}
