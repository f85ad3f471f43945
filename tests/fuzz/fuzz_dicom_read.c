/* Any bytes: refused, or read; and then whatever is asked of the data set
 * answers, and its JSON is JSON both ways.  A file says the same as memory. */
#include "config.h"	/* memfd_create is an extension */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "dicom/collate.h"
#include "dicom/dicom.h"
#include "dicom/json.h"
#include "dicom/validate.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_json(const struct buf *json, const char *what)
{
	json_error_t error;
	/* ints as reals: an UV may be above what jansson's integers hold */
	json_t *j = json_loadb(json->data, json->len,
			       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);

	if (j == NULL)
		fprintf(stderr, "%s\n%.*s\n", error.text, (int)json->len, json->data);
	check(j != NULL, what);
	json_decref(j);
}

static int
word(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	check(text != NULL && len > 0 && len <= COLLATE_MAX, "a word has bytes");
	return 0;
}

static void
ask(const struct dicom *d)
{
	struct buf out, json;
	struct slice value, again;
	char text[70];
	double number;
	size_t i;
	int n;

	buf_init(&out, 64 << 20);
	buf_init(&json, 64 << 20);
	check(dicom_write_json(d, &json) == 0, "JSON can be written");
	for (i = 0; i < dicom_count(d); i++) {
		const struct dicom_element *el = dicom_at(d, i);

		check(dicom_find(d, el->tag) == el, "what is there is found");
		buf_reset(&out);
		n = dicom_text(d, el->tag, &out);
		if (n > 0) {
			struct buf key;

			buf_init(&key, COLLATE_MAX);
			collate_value(el->vr, out.data, out.len, &key);
			check(key.len <= COLLATE_MAX, "a key is short");
			buf_fini(&key);
			collate_words(out.data, out.len, word, NULL);
		}
		dicom_text_first(d, el->tag, text, sizeof text);
		dicom_number(d, el->tag, &number);
		buf_reset(&out);
		check(dicom_write_json_element(d, el->tag, &out) == 0, "an element can be written");
		check_json(&out, "an element is JSON");
		if (dicom_json_find(buf_slice(&json), el->tag, &value) == 0)
			check(((const char *)value.data)[0] == '{' &&
			      ((const char *)value.data)[value.len - 1] == '}', "a member is an object");
	}
	buf_reset(&out);
	check(dicom_json_render(buf_slice(&json), NULL, &out) == 0, "hides");
	check_json(&out, "hidden is JSON");
	if (dicom_json_find(buf_slice(&json), TAG_PATIENT_NAME, &value) == 0 &&
	    dicom_find(d, TAG_PATIENT_NAME)->vr == 0x504E) {
		check(dicom_json_find(buf_slice(&out), TAG_PATIENT_NAME, &again) == 0 &&
		      slice_compare(value, again) == 0, "found the same in the template");
	}
	buf_reset(&out);
	check(dicom_json_render(buf_slice(&json), "http://h/\"x", &out) == 0, "shows");
	check_json(&out, "shown is JSON");
	check(out.len == 0 || (memchr(out.data, 1, out.len) == NULL && memchr(out.data, 2, out.len) == NULL &&
			       memchr(out.data, 3, out.len) == NULL), "no mark is left");
	buf_fini(&out);
	buf_fini(&json);
}

/* The same bytes through the window of a file. */
static void
check_file(const uint8_t *data, size_t size, int r, const struct dicom *d)
{
	struct dicom *again = NULL;
	struct buf a, b;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size, "a file can be made");
	check(dicom_read_fd(fd, &again, NULL) == r, "a file ends as memory does");
	close(fd);
	if (r < 0)
		return;
	buf_init(&a, 64 << 20);
	buf_init(&b, 64 << 20);
	dicom_write_json(d, &a);
	dicom_write_json(again, &b);
	check(slice_compare(buf_slice(&a), buf_slice(&b)) == 0, "a file reads as memory does");
	buf_fini(&a);
	buf_fini(&b);
	dicom_free(again);
}

/* Warnings are in order; what is warned of at the top is gone, but the UIDs, and what is left is
 * still JSON without it. */
static void
check_values(struct dicom *d)
{
	struct dicom_warnings w = { 0 };
	struct buf json;
	size_t i;

	check(dicom_check_values(d, &w) == 0, "values are looked at");
	buf_init(&json, 1 << 26);
	for (i = 0; i < w.n; i++) {
		check(i == 0 || w.at[i - 1].tag < w.at[i].tag, "warnings ascend");
		check(w.at[i].why[0] != '\0', "a warning says why");
	}
	if (dicom_write_json(d, &json) == 0)
		for (i = 0; i < dicom_count(d); i++)
			if (dicom_find(d, dicom_at(d, i)->tag) == NULL)
				check(dicom_write_json_element(d, dicom_at(d, i)->tag, &json) < 0, "what is dropped is not shown");
	buf_fini(&json);
	dicom_warnings_fini(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dicom_identity identity;
	struct dicom *d = NULL;
	struct err err = { 0 };
	int r;

	r = dicom_read_mem(data, size, &d, &err);
	check_file(data, size, r, d);
	if (r < 0) {
		check(d == NULL && err.num == r && err.text[0] != '\0', "a refusal says why");
		return 0;
	}
	ask(d);
	dicom_identify(d, VALIDATE_PLAIN, "1.2.3", &identity, &err);
	dicom_identify(d, VALIDATE_V1, NULL, &identity, &err);
	dicom_identify(d, VALIDATE_V2, NULL, &identity, NULL);
	dicom_has_several(d, VALIDATE_V1);
	check_values(d);
	dicom_free(d);
	return 0;
}
