/* Names below .query as the terms of a search, and the table of such directories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/tag.h"
#include "fs/query.h"

static int
find_tag(void *ctx, uint32_t tag, struct search_tag *ret_tag)
{
	(void)ctx;
	if (tag != 0x00091001)
		return -ENOENT;
	*ret_tag = (struct search_tag){ .level = STORE_STUDY, .vr = VR('D', 'A') };
	return 0;
}

static struct query query;
static struct err err;

static int
parse(const char *conditions)
{
	err_clear(&err);
	return query_parse(conditions, find_tag, NULL, &query, &err);
}

static const struct search_term *
only_term(const char *condition)
{
	if (parse(condition) < 0)
		fail_msg("%s: %s", condition, err_text(&err));
	assert_int_equal(query.n, 1);
	return &query.terms[0];
}

static void
a_condition_is_a_term(void **state)
{
	const struct search_term *t;

	(void)state;
	t = only_term("PatientID=A=B");
	assert_int_equal(t->tag, TAG_PATIENT_ID);
	assert_int_equal(t->match, SEARCH_EXACT);
	assert_string_equal(t->value, "A=B");
	assert_int_equal(only_term("00100020=X")->tag, TAG_PATIENT_ID);
	assert_int_equal(only_term("PatientName=Do*")->match, SEARCH_WILD);
	t = only_term("StudyDate=20240101-");
	assert_int_equal(t->match, SEARCH_RANGE);
	assert_string_equal(t->value, "20240101");
	assert_null(t->upper);
	assert_int_equal(only_term("StudyInstanceUID=1.2,1.3")->match, SEARCH_LIST);
	/* a private one that is indexed has its VR from there */
	assert_int_equal(only_term("00091001=20240101-20240102")->match, SEARCH_RANGE);
	assert_int_equal(only_term("00091002=20240101-20240102")->match, SEARCH_EXACT);
	/* what a study's series have */
	assert_int_equal(only_term("Modality=CT")->tag, TAG_MODALITIES_IN_STUDY);
	t = only_term("RequestAttributesSequence.RequestedProcedureID=7");
	assert_int_equal(t->n_path, 1);
	assert_int_equal(t->path[0], 0x00400275);
}

static void
directories_below_each_other_are_several(void **state)
{
	(void)state;
	assert_int_equal(parse("PatientID=P1/StudyDate=20240101-20241231/Modality=CT"), 0);
	assert_int_equal(query.n, 3);
	assert_string_equal(query.terms[0].value, "P1");
	assert_string_equal(query.terms[1].value, "20240101");
	assert_string_equal(query.terms[1].upper, "20241231");
	assert_string_equal(query.terms[2].value, "CT");
}

static void
what_is_no_condition_is_told(void **state)
{
	static const struct { const char *conditions; int error; } cases[] = {
		{ "PatientID", -ENOENT }, { "=x", -ENOENT }, { "Foo=x", -ENOENT }, { "patientid=x", -ENOENT },
		{ "0010=x", -ENOENT }, { "PatientID.=x", -ENOENT }, { ".PatientID=x", -ENOENT }, { "a.b.c=1", -ENOENT },
		{ "PatientID=x//PatientName=y", -ENOENT },
		{ "StudyDate=abc", -EINVAL }, { "StudyDate=20240102-20240101", -EINVAL }, { "StudyDate=-", -EINVAL },
		{ "Rows=many", -EINVAL }, { "StudyInstanceUID=x", -EINVAL }, { "PixelData=x", -EINVAL },
		{ "RequestAttributesSequence=x", -EINVAL },
	};
	char *many = calloc(1, QUERY_TEXT_MAX + 100);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (parse(cases[i].conditions) != cases[i].error)
			fail_msg("%s", cases[i].conditions);
		assert_true(strlen(err_text(&err)) > 0);
	}
	for (i = 0; i < QUERY_TERMS_MAX; i++)
		strcat(many, i > 0 ? "/PatientID=x" : "PatientID=x");
	assert_int_equal(parse(many), 0);
	assert_int_equal(query.n, QUERY_TERMS_MAX);
	strcat(many, "/PatientID=x");
	assert_int_equal(parse(many), -E2BIG);
	memset(many, 'x', QUERY_TEXT_MAX);
	assert_int_equal(parse(many), -ENAMETOOLONG);
	many[TREE_NAME_MAX + 1] = '\0';
	assert_int_equal(parse(many), -ENAMETOOLONG);
	free(many);
	/* anything will do */
	assert_int_equal(parse("PatientID=*/PatientName="), 0);
	assert_int_equal(query.n, 0);
	assert_int_equal(parse(""), 0);
	assert_int_equal(query.n, 0);
}

static uint64_t
add(struct query_dirs *t, uint64_t partition, bool of_service, const char *conditions)
{
	struct query_dir dir = { .partition = partition, .of_service = of_service, .depth = 1 };

	strcpy(dir.conditions, conditions);
	assert_int_equal(query_dirs_add(t, &dir), 0);
	assert_true(dir.number > 0 && dir.number < UINT64_C(1) << 48);
	return dir.number;
}

static void
a_directory_keeps_its_number_while_it_is_used(void **state)
{
	struct query_dirs *t = query_dirs_new();
	uint64_t used = add(t, 1, false, "PatientID=used"), other = add(t, 1, false, "PatientID=other");
	struct query_dir dir;
	char text[40];
	unsigned i;

	(void)state;
	assert_true(used != other);
	assert_true(add(t, 2, false, "PatientID=used") != used);
	assert_true(add(t, 1, true, "PatientID=used") != used);
	for (i = 0; i < 2 * QUERY_DIRS_MAX; i++) {
		snprintf(text, sizeof text, "PatientID=%u", i);
		add(t, 1, false, text);
		assert_int_equal(query_dirs_get(t, used, &dir), 0);
	}
	assert_string_equal(dir.conditions, "PatientID=used");
	assert_int_equal(dir.partition, 1);
	assert_int_equal(dir.depth, 1);
	assert_true(add(t, 1, false, "PatientID=used") == used);
	/* Pushed out; its number is never that of another. */
	assert_int_equal(query_dirs_get(t, other, &dir), -ESTALE);
	assert_true(add(t, 1, false, "PatientID=other") != other);
	assert_int_equal(query_dirs_get(t, other, &dir), -ESTALE);
	assert_int_equal(query_dirs_get(t, 0, &dir), -ESTALE);
	query_dirs_free(t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_is_a_term),
		cmocka_unit_test(directories_below_each_other_are_several),
		cmocka_unit_test(what_is_no_condition_is_told),
		cmocka_unit_test(a_directory_keeps_its_number_while_it_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
