/* Any bytes as a template: rendered or refused; and a member that is found
 * lies inside, and is found by a JSON parser too when it is JSON at all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "dicom/json.h"
#include "dicom/tag.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Members of "Value", counted; texts are what jansson makes of the same strings. */
static int
look_at(void *ctx, struct slice value)
{
	struct buf text;
	json_t *parsed = json_loadb(value.data, value.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	int r;

	++*(size_t *)ctx;
	buf_init(&text, 1 << 24);
	r = dicom_json_text(value, &text);
	if (json_is_string(parsed)) {
		check(r == 0 && text.len == json_string_length(parsed), "a text is as long as jansson says");
		check(text.len == 0 || memcmp(text.data, json_string_value(parsed), text.len) == 0,
		      "a text is what jansson says");
	}
	json_decref(parsed);
	buf_fini(&text);
	return 0;
}

/* Members by tag lie inside, whatever their values are. */
static int
look_at_member(void *ctx, uint32_t tag, struct slice element)
{
	const struct slice *json = ctx;
	const char *at = element.data, *from = json->data;
	struct buf texts;

	(void)tag;
	check(element.len > 0 && at >= from && at + element.len <= from + json->len, "a member lies inside");
	dicom_json_vr(element);
	buf_init(&texts, 1 << 24);
	dicom_json_texts(element, &texts);
	buf_fini(&texts);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count = 0;
	struct slice json = slice_of(data, size), value;
	const char *from = (const char *)data, *at;
	struct buf out;
	json_t *object, *want, *got;
	size_t pos = 0;
	int r;

	buf_init(&out, 1 << 24);
	dicom_json_render(json, NULL, &out);
	buf_reset(&out);
	dicom_json_render(json, "http://h", &out);
	buf_fini(&out);

	dicom_json_each(json, look_at_member, &json);
	dicom_json_find_next(json, &pos, TAG_MODALITY, &value);
	check(pos <= size, "a search stays inside");
	dicom_json_find_next(json, &pos, TAG_PATIENT_NAME, &value);
	check(pos <= size, "a search stays inside");
	r = dicom_json_find(json, TAG_PATIENT_NAME, &value);
	if (r == 0) {
		at = value.data;
		check(value.len > 0 && at >= from && at + value.len <= from + size, "a value lies inside");
		dicom_json_values(value, look_at, &count);
		count = 0;
	}
	object = json_loadb(from, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (json_is_object(object)) {
		want = json_object_get(object, "00100010");
		check((want != NULL) == (r == 0), "what jansson finds is found");
		if (r == 0) {
			got = json_loadb(value.data, value.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
			check(json_equal(want, got), "and is the same");
			if (json_is_object(got) && json_is_array(json_object_get(got, "Value")))
				check(dicom_json_values(value, look_at, &count) == 0 &&
				      count == json_array_size(json_object_get(got, "Value")),
				      "all values are seen");
			json_decref(got);
		}
	}
	json_decref(object);
	return 0;
}
