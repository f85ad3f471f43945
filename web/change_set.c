#include "web/change_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/tag.h"
#include "web/limits.h"

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

int
change_set_read(json_t *set, struct change_set *c, struct err *err)
{
	struct update_value *v;
	const char *key, *why;
	json_t *element;
	size_t i;

	if (!json_is_object(set))
		return err_set(err, -EINVAL, "changeDataset must be a data set");
	json_object_foreach(set, key, element) {
		if (c->n == CHANGE_SET_MAX)
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

void
change_set_init(struct change_set *c)
{
	c->n = 0;
	buf_init(&c->text, 2 * LIMIT_JSON);
	buf_init(&c->faults, LIMIT_LIST);
}

void
change_set_fini(struct change_set *c)
{
	buf_fini(&c->text);
	buf_fini(&c->faults);
}
