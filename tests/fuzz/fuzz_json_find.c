/* Any bytes as a template: rendered or refused; and a member that is found
 * lies inside, and is found by a JSON parser too when it is JSON at all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "dicom/json.h"
#include "dicom/tag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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

	dicom_json_find_next(json, &pos, TAG_MODALITY, &value);
	check(pos <= size);
	dicom_json_find_next(json, &pos, TAG_PATIENT_NAME, &value);
	check(pos <= size);
	r = dicom_json_find(json, TAG_PATIENT_NAME, &value);
	if (r == 0) {
		at = value.data;
		check(value.len > 0 && at >= from && at + value.len <= from + size);
	}
	object = json_loadb(from, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (json_is_object(object)) {
		want = json_object_get(object, "00100010");
		check((want != NULL) == (r == 0));
		if (r == 0) {
			got = json_loadb(value.data, value.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
			check(json_equal(want, got));
			json_decref(got);
		}
	}
	json_decref(object);
	return 0;
}
