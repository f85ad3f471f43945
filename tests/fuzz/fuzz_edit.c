/* Any file that the reader takes, written again as explicit little endian: the same
 * elements with the same values, and what was to be replaced is.  Likewise with a few attributes
 * changed, in its own syntax: all other values are the same bytes. */
#include "config.h"	/* memfd_create is an extension */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/change.h"
#include "dicom/edit.h"
#include "dicom/image.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
put(void *ctx, const void *data, size_t len)
{
	return buf_put(ctx, data, len);
}

static void
rewrite(const struct dicom *d, int fd, size_t size)
{
	static const struct edit edits[] = {
		{ 0x00280004, VR('C', 'S'), "RGB ", 4 }, { 0x7FE00001, 0, NULL, 0 }, { 0xFFFC0001, VR('U', 'S'), "\1", 2 },
	};
	const struct dicom_element *el;
	struct dicom *again = NULL;
	struct image image;
	struct err err = { 0 };
	struct buf out;
	char text[8];
	int r;

	buf_init(&out, 16 * size + 65536);
	r = edit_write_meta(d, fd, TAG_TRANSFER_SYNTAX_UID, UID_EXPLICIT_LE, put, &out, &err);
	if (r == 0)
		r = edit_write_elements(d, fd, 0, UINT32_MAX, edits, 3, image_describe(d, &image, NULL) == 0 ? image.swap : 2,
					put, &out, &err);
	if (r < 0) {
		check(err.text[0] != '\0', "a refusal says why");
		buf_fini(&out);
		return;
	}
	if (dicom_read_mem(out.data, out.len, &again, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		check(0, "what is written can be read");
	}
	check(strcmp(dicom_xfer_uid(again), UID_EXPLICIT_LE) == 0, "the syntax is the new one");
	check(dicom_text_first(again, 0x00280004, text, sizeof text) >= 0 && strcmp(text, "RGB") == 0, "an edit is there");
	el = dicom_find(again, 0xFFFC0001);
	check(el != NULL && el->length == 2, "an edit behind the last is there");
	check(dicom_find(again, 0x7FE00001) == NULL, "what is left out is gone");
	for (size_t i = 0; i < dicom_count(d); i++) {
		el = dicom_at(d, i);
		if (el->tag == 0x7FE00001 || TAG_ELEMENT(el->tag) == 0 || TAG_GROUP(el->tag) == 2)
			continue;
		check(dicom_find(again, el->tag) != NULL, "no other element is lost");
	}
	dicom_free(again);
	buf_fini(&out);
}

static void
change(const struct dicom *d, int fd, size_t size)
{
	static const struct change_value values[] = {
		{ 0x00080018, VR('U', 'I'), "1.2.3.4.5" }, { 0x00100010, VR('P', 'N'), "N\xc3\xa4me^New" },
		{ 0x00403001, VR('L', 'O'), "behind" },
	};
	const struct dicom_element *el, *was;
	struct dicom *again = NULL;
	struct err err = { 0 };
	struct buf out;
	char text[32];

	buf_init(&out, (64u << 20) + 16 * size + 65536);
	if (change_write(d, fd, values, 3, put, &out, &err) < 0) {
		check(err.text[0] != '\0', "a refusal says why");
		buf_fini(&out);
		return;
	}
	if (dicom_read_mem(out.data, out.len, &again, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		check(0, "what is changed can be read");
	}
	check(dicom_is_deflated(d) || strcmp(dicom_xfer_uid(again), dicom_xfer_uid(d)) == 0, "the syntax stays");
	check(dicom_text_first(again, 0x00100010, text, sizeof text) > 0 && strcmp(text, "N\xc3\xa4me^New") == 0,
	      "a name is kept as it was given");
	check(dicom_text_first(again, 0x00403001, text, sizeof text) > 0 && strcmp(text, "behind") == 0, "what was not there is");
	for (size_t i = 0; i < dicom_count(d); i++) {
		was = dicom_at(d, i);
		if (was->tag == 0x00080018 || was->tag == 0x00080005 || was->tag == 0x00100010 || was->tag == 0x00403001 ||
		    TAG_ELEMENT(was->tag) == 0 || TAG_GROUP(was->tag) == 2)
			continue;
		el = dicom_find(again, was->tag);
		check(el != NULL && el->length == was->length && el->value.len == was->value.len &&
		      (was->value.len == 0 || was->value.data == NULL || memcmp(el->value.data, was->value.data, was->value.len) == 0),
		      "all else is byte for byte as it was");
	}
	dicom_free(again);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dicom *d = NULL;
	int inflated, fd = memfd_create("fuzz", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size, "a file can be made");
	if (dicom_read_fd(fd, &d, NULL) == 0) {
		change(d, fd, size);
		if (!dicom_is_deflated(d))
			rewrite(d, fd, size);
		else if (edit_inflate(d, fd, 1 << 20, &inflated, NULL) == 0)
			close(inflated);
		dicom_free(d);
	}
	close(fd);
	return 0;
}
