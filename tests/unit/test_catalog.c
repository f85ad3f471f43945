/* What batches keep true of the feed and of rows, over a store in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog/catalog.h"
#include "catalog/header.h"
#include "catalog/operation.h"
#include "dicom/tag.h"

static int
setup(void **state)
{
	struct kv_options o = { .tables = schema_tables, .n_tables = TABLES, .create = true };
	struct kv *kv;

	if (kv_mem_open(&o, &kv, NULL) < 0 || catalog_init(kv, "w", "s", "p", NULL) < 0)
		return -1;
	*state = kv;
	return 0;
}

static int
teardown(void **state)
{
	kv_close(*state);
	return 0;
}

static void
put(struct kv *kv, const char *sop, int64_t now)
{
	struct instance_row row = { .size = 1 };
	struct slice json = slice_str("{\"00080018\":{\"vr\":\"UI\",\"Value\":[\"1\"]}}");
	struct catalog_entry e = { .partition = "p", .study_uid = "1", .series_uid = "1.1", .row = &row,
		.modality = "", .json = json, .same = BATCH_SAME_REPLACE, .now = now };
	struct catalog_put_result result;
	struct catalog_batch *b;
	struct buf header;

	strcpy(row.uid, sop);
	buf_init(&header, 4096);
	assert_int_equal(header_compress(json, slice_of(NULL, 0), &header), 0);
	e.header = buf_slice(&header);
	assert_int_equal(batch_begin(kv, &b), 0);
	assert_int_equal(batch_put(b, &e, &result), 0);
	assert_int_equal(batch_commit(b), 0);
	buf_fini(&header);
}

static int64_t
time_of(struct kv *kv, uint64_t sequence)
{
	struct key k = key_of_1(sequence);
	struct feed_entry e;
	struct kv_txn *txn;
	struct slice v;

	assert_int_equal(kv_begin(kv, KV_READ, &txn), 0);
	assert_int_equal(kv_get(txn, T_FEED, key_slice(&k), &v), 0);
	assert_int_equal(feed_entry_get(v, &e), 0);
	kv_abort(txn);
	return e.time;
}

static void
times_of_the_feed_never_go_back(void **state)
{
	struct kv *kv = *state;

	put(kv, "1.1.1", 5000);
	put(kv, "1.1.2", 3000);		/* the clock was set back */
	put(kv, "1.1.3", 7000);
	assert_int_equal(time_of(kv, 1), 5000);
	assert_int_equal(time_of(kv, 2), 5000);
	assert_int_equal(time_of(kv, 3), 7000);
}

static void
a_row_without_values_of_query_tags_is_what_it_was_before_there_were_any(void **state)
{
	struct series_row row = { .instances = 3, .uid = "1.2", .modality = "CT" }, got;
	struct buf plain, extended;

	(void)state;
	buf_init(&plain, 4096);
	buf_init(&extended, 4096);
	series_row_put(&row, &plain);
	assert_int_equal(series_row_get(buf_slice(&plain), &got), 0);
	assert_int_equal(got.extended.len, 0);
	row.extended = slice_str("values");
	series_row_put(&row, &extended);
	assert_int_equal(extended.len, plain.len + 4 + 6);
	assert_memory_equal(extended.data, plain.data, plain.len);
	assert_int_equal(series_row_get(buf_slice(&extended), &got), 0);
	assert_int_equal(slice_compare(got.extended, row.extended), 0);
	assert_int_equal(series_row_get(slice_of(extended.data, extended.len - 1), &got), -EIO);
	buf_fini(&plain);
	buf_fini(&extended);
}

static void
an_operation_comes_back_as_it_was_put(void **state)
{
	static const unsigned char id[OPERATION_ID_LEN] = { 1, 2, 3 };
	struct operation_row row = { .type = OPERATION_REINDEX, .status = OPERATION_FAILED, .created = 5, .updated = 9,
		.done = 3, .total = 4, .why = "the disk is full", .input = slice_str("in"), .cursor = slice_str("there") }, got;
	struct kv *kv = *state;
	struct kv_txn *txn;

	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), 0);
	assert_int_equal(operation_get(txn, id, &got), -ENOENT);
	assert_int_equal(operation_put(txn, id, &row), 0);
	assert_int_equal(operation_get(txn, id, &got), 0);
	assert_true(operation_is_finished(&got));
	assert_int_equal(got.updated, 9);
	assert_int_equal(got.done, 3);
	assert_string_equal(got.why, row.why);
	assert_int_equal(slice_compare(got.input, row.input), 0);
	assert_int_equal(slice_compare(got.cursor, row.cursor), 0);
	kv_abort(txn);
}

struct attempts {
	unsigned again, made;		/* that many fail, of those made */
	int result;
};

/* Leaves a record of every attempt. */
static int
attempt(void *ctx, struct catalog_batch *b)
{
	struct operation_row row = { .type = OPERATION_REINDEX, .status = OPERATION_RUNNING };
	struct attempts *a = ctx;
	unsigned char id[OPERATION_ID_LEN] = { (unsigned char)++a->made };

	assert_int_equal(operation_put(batch_txn(b), id, &row), 0);
	return a->made <= a->again ? -EAGAIN : a->result;
}

static uint64_t
operations(struct kv *kv)
{
	struct kv_txn *txn;
	uint64_t n = 0;

	assert_int_equal(kv_begin(kv, KV_READ, &txn), 0);
	assert_int_equal(catalog_count(txn, T_OPERATION, 0, &n), 0);
	kv_abort(txn);
	return n;
}

static void
a_batch_that_is_to_run_again_leaves_what_the_last_run_did(void **state)
{
	struct attempts a = { .again = 2, .result = 7 }, refused = { .result = -ESTALE }, never = { .again = UINT32_MAX };
	struct kv *kv = *state;

	assert_int_equal(batch_update(kv, attempt, &a), 7);
	assert_int_equal(a.made, 3);
	assert_int_equal(operations(kv), 1);
	assert_int_equal(batch_update(kv, attempt, &refused), -ESTALE);
	assert_int_equal(refused.made, 1);
	assert_int_equal(batch_update(kv, attempt, &never), -EAGAIN);
	assert_int_equal(operations(kv), 1);
}

static void
read_one(const char *vr, uint32_t tag, const char *member, struct query_value *v, struct query_tags *tags)
{
	char json[300];

	*tags = (struct query_tags){ .n = 1 };
	tags->at[0] = (struct query_tag){ .tag = tag, .number = 1, .vr = VR(vr[0], vr[1]), .status = QUERY_TAG_READY,
					  .level = LEVEL_STUDY };
	memset(v, 0, sizeof *v);
	snprintf(json, sizeof json, "{\"00000001\":{\"vr\":\"UL\"},\"%08X\":%s,\"FFFFFFF0\":{\"vr\":\"LO\"}}", tag, member);
	assert_int_equal(query_values_read(tags, NULL, NULL, slice_str(json), v), 0);
}

/* Rows of contract 7.4: what is indexed, what is nothing, and what is an error. */
static void
the_first_value_of_a_tag_is_indexed_or_an_error_or_nothing(void **state)
{
	static const struct {
		const char *vr, *member, *collated, *why;
	} rows[] = {
		{ "LO", "{\"vr\":\"LO\",\"Value\":[\"One\",\"Two\"]}", "one", NULL },
		{ "LO", "{\"vr\":\"LO\"}", NULL, NULL },
		{ "LO", "{\"vr\":\"LO\",\"Value\":[\"\"]}", NULL, NULL },
		{ "LO", "{\"vr\":\"LO\",\"Value\":[null,\"x\"]}", NULL, NULL },
		{ "LO", "{\"vr\":\"SH\",\"Value\":[\"x\"]}", NULL, "representation" },
		{ "LO", "{\"vr\":\"SQ\",\"Value\":[{}]}", NULL, "representation" },
		{ "LO", "{\"vr\":\"UN\"\1,\"InlineBinary\":\"AA==\"\2}", NULL, "representation" },
		{ "LO", "{\"vr\":\"UN\"}", NULL, NULL },
		{ "SH", "{\"vr\":\"SH\",\"Value\":[\"12345678901234567\"]}", NULL, "16" },
		{ "PN", "{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"A^B\",\"Phonetic\":\"C\"}]}", "a^b==c", NULL },
		{ "PN", "{\"vr\":\"PN\",\"Value\":[{\"Ideographic\":\"A\"}]}", "=a", NULL },
		{ "PN", "{\"vr\":\"PN\",\"Value\":[{}]}", NULL, NULL },
		{ "DA", "{\"vr\":\"DA\",\"Value\":[\"20240230\"]}", NULL, "date" },
		{ "AS", "{\"vr\":\"AS\",\"Value\":[\"35Y\"]}", NULL, "4" },
		{ "IS", "{\"vr\":\"IS\",\"Value\":[\"x\"]}", NULL, "" },
		{ "UI", "{\"vr\":\"UI\",\"Value\":[\"1.a\"]}", NULL, "UID" },
		{ "US", "{\"vr\":\"US\",\"Value\":[\"x\"]}", NULL, "" },
	};
	struct query_value v;
	struct query_tags tags;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		read_one(rows[i].vr, 0x00101010, rows[i].member, &v, &tags);
		if (rows[i].why == NULL ? v.why != NULL : v.why == NULL || strstr(v.why, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].member, v.why != NULL ? v.why : "no error");
		if (rows[i].collated == NULL ? v.collated.len != 0
					     : slice_compare(buf_slice(&v.collated), slice_str(rows[i].collated)) != 0)
			fail_msg("%s: \"%.*s\"", rows[i].member, (int)v.collated.len, v.collated.len > 0 ? v.collated.data : "");
		query_values_fini(&tags, &v);
	}
	read_one("FD", 0x00101010, "{\"vr\":\"FD\",\"Value\":[-0.1]}", &v, &tags);
	assert_null(v.why);
	assert_int_equal(v.collated.len, 8);
	query_values_fini(&tags, &v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(times_of_the_feed_never_go_back, setup, teardown),
		cmocka_unit_test(a_row_without_values_of_query_tags_is_what_it_was_before_there_were_any),
		cmocka_unit_test_setup_teardown(an_operation_comes_back_as_it_was_put, setup, teardown),
		cmocka_unit_test_setup_teardown(a_batch_that_is_to_run_again_leaves_what_the_last_run_did, setup, teardown),
		cmocka_unit_test(the_first_value_of_a_tag_is_indexed_or_an_error_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
