#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dicom/tag.h"
#include "web/qido_params.h"

/* As the store answers for the attributes used here (contract 4.3). */
static int
find_tag(void *ctx, uint32_t tag, struct search_tag *ret_tag)
{
	const struct tag_entry *entry = tag_find(tag);

	(void)ctx;
	*ret_tag = (struct search_tag){ .vr = entry != NULL ? entry->vr : 0 };
	switch (tag) {
	case TAG_STUDY_INSTANCE_UID:
	case TAG_PATIENT_NAME:
	case TAG_PATIENT_ID:
	case TAG_STUDY_DATE:
		ret_tag->level = STORE_STUDY;
		return 0;
	case TAG_STUDY_TIME:		/* as an extended query tag would be */
	case TAG_MODALITY:
	case TAG_SERIES_INSTANCE_UID:
		ret_tag->level = STORE_SERIES;
		return 0;
	case TAG_SOP_INSTANCE_UID:
		ret_tag->level = STORE_INSTANCE;
		return 0;
	default:
		return -ENOENT;
	}
}

static struct uri_query query;
static struct qido_params params;
static struct err err;

static int
parse(const char *dialect, enum search_url url, const char *text)
{
	err_clear(&err);
	assert_int_equal(uri_parse_query(text, &query, &err), 0);
	return qido_parse(dialect_find(dialect), url, &query, find_tag, NULL, &params, &err);
}

static bool
wants(uint32_t tag)
{
	size_t i;

	for (i = 0; i < params.search.n_tags; i++)
		if (params.search.tags[i] == tag)
			return true;
	return false;
}

static void
paging_has_defaults_and_bounds(void **state)
{
	(void)state;
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, ""), 0);
	assert_int_equal(params.search.limit, 100);
	assert_int_equal(params.search.offset, 0);
	assert_int_equal(params.search.level, STORE_STUDY);
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "LIMIT=200&Offset=7"), 0);
	assert_int_equal(params.search.limit, 200);
	assert_int_equal(params.search.offset, 7);
	assert_int_equal(parse("dicom-web", SEARCH_ALL_SERIES, ""), 0);
	assert_int_equal(params.search.limit, 0);
	assert_int_equal(params.search.level, STORE_SERIES);
	assert_int_equal(parse("dicom-web", SEARCH_ALL_SERIES, "limit=5000"), 0);
	assert_int_equal(params.search.limit, 5000);
}

static void
an_attribute_is_named_by_keyword_or_tag(void **state)
{
	(void)state;
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "PatientID=a%20b"), 0);
	assert_int_equal(params.search.n_terms, 1);
	assert_int_equal(params.search.terms[0].tag, TAG_PATIENT_ID);
	assert_int_equal(params.search.terms[0].match, SEARCH_EXACT);
	assert_string_equal(params.search.terms[0].value, "a b");
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "00100020=x"), 0);
	assert_int_equal(params.search.terms[0].tag, TAG_PATIENT_ID);
}

static void
ranges_of_dates_have_one_end_or_two(void **state)
{
	(void)state;
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "StudyDate=20200101-20201231"), 0);
	assert_int_equal(params.search.terms[0].match, SEARCH_RANGE);
	assert_string_equal(params.search.terms[0].value, "20200101");
	assert_string_equal(params.search.terms[0].upper, "20201231");
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "StudyDate=20200101-"), 0);
	assert_null(params.search.terms[0].upper);
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "StudyDate=-20200101"), 0);
	assert_null(params.search.terms[0].value);
	assert_string_equal(params.search.terms[0].upper, "20200101");
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "StudyDate=20200229"), 0);
	assert_int_equal(params.search.terms[0].match, SEARCH_EXACT);
	assert_int_equal(parse("v2", SEARCH_ALL_SERIES, "StudyTime=10-1030"), 0);
	assert_int_equal(params.search.terms[0].match, SEARCH_RANGE);
}

static void
fuzzy_matching_is_for_person_names(void **state)
{
	(void)state;
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "PatientName=jo+do&PatientID=x&fuzzymatching=TRUE"), 0);
	assert_int_equal(params.search.terms[0].match, SEARCH_WORDS);
	assert_string_equal(params.search.terms[0].value, "jo do");
	assert_int_equal(params.search.terms[1].match, SEARCH_EXACT);
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "fuzzymatching=false&PatientName=a%22b"), 0);
	assert_int_equal(params.search.terms[0].match, SEARCH_EXACT);
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "fuzzymatching=true&PatientName=a%22b"), -EINVAL);
	assert_non_null(strstr(err.text, "\""));
}

static void
what_is_wrong_is_refused_and_named(void **state)
{
	static const struct {
		enum search_url url;
		const char *text, *named;
	} rows[] = {
		{ SEARCH_ALL_STUDIES, "Nonsense=1", "Nonsense" },
		{ SEARCH_ALL_STUDIES, "patientid=1", "case-sensitive" },
		{ SEARCH_ALL_STUDIES, "99990001=1", "99990001" },
		{ SEARCH_ALL_STUDIES, "0010002=1", "0010002" },
		{ SEARCH_ALL_STUDIES, "StudyTime=10", "StudyTime" },
		{ SEARCH_ALL_STUDIES, "Modality=CT", "Modality" },
		{ SEARCH_STUDY_SERIES, "PatientID=x", "PatientID" },
		{ SEARCH_STUDY_SERIES, "StudyInstanceUID=1", "StudyInstanceUID" },
		{ SEARCH_SERIES_INSTANCES, "Modality=CT", "Modality" },
		{ SEARCH_ALL_STUDIES, "PatientID=1&PatientID=2", "PatientID" },
		{ SEARCH_ALL_STUDIES, "PatientID=1&00100020=2", "00100020" },
		{ SEARCH_ALL_STUDIES, "PatientID=", "PatientID" },
		{ SEARCH_ALL_STUDIES, "PatientID=+%20", "PatientID" },
		{ SEARCH_ALL_STUDIES, "PatientID", "PatientID" },
		{ SEARCH_ALL_STUDIES, "0040A730.00080100=1", "sequences" },
		{ SEARCH_ALL_STUDIES, "StudyDate=2020", "yyyyMMdd" },
		{ SEARCH_ALL_STUDIES, "StudyDate=20200230", "yyyyMMdd" },
		{ SEARCH_ALL_STUDIES, "StudyDate=20210229", "yyyyMMdd" },
		{ SEARCH_ALL_STUDIES, "StudyDate=2020-01-01", "yyyyMMdd" },
		{ SEARCH_ALL_STUDIES, "StudyDate=-", "one end" },
		{ SEARCH_ALL_STUDIES, "StudyDate=20210101-20200101", "20210101" },
		{ SEARCH_ALL_STUDIES, "StudyDate=20210101-x", "yyyyMMdd" },
		{ SEARCH_ALL_SERIES, "StudyTime=25", "HH" },
		{ SEARCH_ALL_STUDIES, "includefield=Nonsense", "Nonsense" },
		{ SEARCH_ALL_STUDIES, "includefield=", "includefield" },
		{ SEARCH_ALL_STUDIES, "includefield=PatientID,,", "includefield" },
		{ SEARCH_ALL_STUDIES, "limit=0", "200" },
		{ SEARCH_ALL_STUDIES, "limit=201", "200" },
		{ SEARCH_ALL_STUDIES, "limit=x", "limit" },
		{ SEARCH_ALL_STUDIES, "limit=1&limit=1", "limit" },
		{ SEARCH_ALL_STUDIES, "offset=-1", "offset" },
		{ SEARCH_ALL_STUDIES, "fuzzymatching=1", "fuzzymatching" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(parse("v2", rows[i].url, rows[i].text), -EINVAL);
		assert_non_null(strstr(err.text, rows[i].named));
	}
}

static void
tags_are_the_defaults_and_those_asked_for_in_order_once(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(parse("v2", SEARCH_ALL_SERIES, "includefield=PatientSex,PatientName&includefield=00080005"), 0);
	assert_int_equal(params.search.n_tags, 8 + 4 + 2);
	for (i = 1; i < params.search.n_tags; i++)
		assert_true(params.search.tags[i - 1] < params.search.tags[i]);
	assert_true(wants(TAG_PATIENT_SEX));
	assert_true(wants(TAG_SPECIFIC_CHARACTER_SET));
	assert_int_equal(parse("v1", SEARCH_ALL_STUDIES, ""), 0);
	assert_true(wants(TAG_PATIENT_SEX));
	assert_false(wants(TAG_STUDY_DESCRIPTION));
	/* Filters and the path's UIDs come back too. */
	assert_int_equal(parse("v2", SEARCH_SERIES_INSTANCES, ""), 0);
	assert_int_equal(params.search.n_tags, 3);
	assert_true(wants(TAG_STUDY_INSTANCE_UID));
	assert_true(wants(TAG_SERIES_INSTANCE_UID));
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "includefield=00191100"), 0);
	assert_true(wants(0x00191100));
}

static void
all_means_the_dialect_s_set(void **state)
{
	(void)state;
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "includefield=all,PatientComments"), 0);
	assert_false(params.search.everything);
	assert_true(wants(0x00101010));
	assert_true(wants(0x00104000));
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, "includefield=ALL"), 0);
	assert_true(params.search.everything);
}

static void
computed_attributes_are_given_where_the_contract_says(void **state)
{
	static const char text[] = "includefield=ModalitiesInStudy,NumberOfStudyRelatedInstances,"
		"NumberOfSeriesRelatedInstances,NumberOfStudyRelatedSeries";

	(void)state;
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, text), 0);
	assert_true(wants(TAG_MODALITIES_IN_STUDY));
	assert_true(wants(TAG_STUDY_RELATED_INSTANCES));
	assert_false(wants(TAG_SERIES_RELATED_INSTANCES));
	assert_false(wants(TAG_STUDY_RELATED_SERIES));
	assert_int_equal(parse("v2", SEARCH_STUDY_SERIES, text), 0);
	assert_false(wants(TAG_MODALITIES_IN_STUDY));
	assert_true(wants(TAG_SERIES_RELATED_INSTANCES));
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, ""), 0);
	assert_true(wants(TAG_STUDY_RELATED_SERIES));
	assert_true(wants(TAG_MODALITIES_IN_STUDY));
	assert_true(wants(TAG_RETRIEVE_URL));
}

static void
a_thousand_include_fields_are_refused_not_overrun(void **state)
{
	static char text[LIMIT_QUERY];
	size_t n = (size_t)sprintf(text, "includefield=00100010");

	(void)state;
	while (n + 10 < sizeof text)
		n += (size_t)sprintf(text + n, ",00100010");
	assert_int_equal(parse("v1", SEARCH_ALL_INSTANCES, text), -E2BIG);
}

static void
dicom_web_asks_for_more(void **state)
{
	(void)state;
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, "PatientID=a*&PatientName=b%5Ec&fuzzymatching=true"), 0);
	assert_int_equal(params.search.terms[0].match, SEARCH_WILD);
	assert_int_equal(params.search.terms[1].match, SEARCH_ANY_WORDS);
	assert_true(params.search.scan);
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, "StudyInstanceUID=1.2,3.4%5C5"), 0);
	assert_int_equal(params.search.terms[0].match, SEARCH_LIST);
	assert_string_equal(params.search.terms[0].value, "1.2\\3.4\\5");
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, "StudyInstanceUID=1.2"), 0);
	assert_int_equal(params.search.terms[0].match, SEARCH_EXACT);
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, "PatientID=&PatientSex=**"), 0);
	assert_int_equal(params.search.n_terms, 0);
	assert_true(wants(TAG_PATIENT_ID) && wants(TAG_PATIENT_SEX));
	assert_int_equal(parse("dicom-web", SEARCH_ALL_SERIES, "00400275.00400008.00080100=x&00080100=y"), 0);
	assert_int_equal(params.search.n_terms, 2);
	assert_int_equal(params.search.terms[0].n_path, 2);
	assert_int_equal(params.search.terms[0].path[1], 0x00400008);
	assert_int_equal(params.search.terms[0].tag, 0x00080100);
	assert_int_equal(params.search.terms[1].n_path, 0);
	assert_true(wants(0x00400275));
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, "orderby=-StudyDate&count=TRUE"), 0);
	assert_int_equal(params.search.n_orders, 1);
	assert_int_equal(params.search.orders[0].tag, TAG_STUDY_DATE);
	assert_true(params.search.orders[0].descending && params.search.count);
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, "orderby=PatientName,%20-StudyDate"), 0);
	assert_int_equal(params.search.n_orders, 2);
	assert_true(!params.search.orders[0].descending && params.search.orders[1].descending);
	assert_int_equal(params.search.orders[1].tag, TAG_STUDY_DATE);
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, "orderby=PatientName,"), -EINVAL);
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, "orderby=1,2,3,4,5,6,7,8,9"), -EINVAL);
	assert_int_equal(parse("dicom-web", SEARCH_ALL_STUDIES, "00400275.00400009=a&00400275.00400009=b"), -EINVAL);
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "PatientID=a*"), 0);
	assert_int_equal(params.search.terms[0].match, SEARCH_EXACT);
	assert_false(params.search.scan);
	assert_int_equal(parse("v2", SEARCH_ALL_STUDIES, "count=true"), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paging_has_defaults_and_bounds),
		cmocka_unit_test(an_attribute_is_named_by_keyword_or_tag),
		cmocka_unit_test(ranges_of_dates_have_one_end_or_two),
		cmocka_unit_test(fuzzy_matching_is_for_person_names),
		cmocka_unit_test(what_is_wrong_is_refused_and_named),
		cmocka_unit_test(tags_are_the_defaults_and_those_asked_for_in_order_once),
		cmocka_unit_test(all_means_the_dialect_s_set),
		cmocka_unit_test(computed_attributes_are_given_where_the_contract_says),
		cmocka_unit_test(a_thousand_include_fields_are_refused_not_overrun),
		cmocka_unit_test(dicom_web_asks_for_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
