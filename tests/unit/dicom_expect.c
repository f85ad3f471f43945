#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dicom/json.h"
#include "dicom/validate.h"
#include "tests/unit/dicom_expect.h"

int
read_buf(const struct buf *b, struct dicom **ret_dicom)
{
	/* exactly as long, so that a sanitizer sees a read past it */
	char *copy = malloc(b->len);
	struct err err = { 0 };
	int r;

	memcpy(copy, b->data, b->len);
	*ret_dicom = NULL;
	r = dicom_read_mem(copy, b->len, ret_dicom, &err);
	if (r < 0) {
		assert_null(*ret_dicom);
		assert_int_equal(err.num, r);
		assert_int_equal(err.reason, REASON_INVALID);
		assert_string_not_equal(err.text, "");
	}
	free(copy);
	return r;
}

void
expect_json(struct buf *file, const char *url, const char *want)
{
	struct dicom *d;
	struct buf json, shown;

	assert_int_equal(read_buf(file, &d), 0);
	buf_init(&json, 1 << 20);
	buf_init(&shown, 1 << 20);
	assert_int_equal(dicom_write_json(d, &json), 0);
	assert_int_equal(dicom_json_render(buf_slice(&json), url, &shown), 0);
	assert_string_equal(shown.data, want);
	buf_fini(&json);
	buf_fini(&shown);
	dicom_free(d);
}

void
expect_refused(struct buf *file, int num)
{
	struct dicom *d;

	assert_int_equal(read_buf(file, &d), num);
	buf_fini(file);
}
