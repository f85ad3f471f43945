/* What searches find in a store of tiny instances: by which values, in which order, in how many parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dicom/tag.h"
#include "store/external.h"
#include "store/search_internal.h"
#include "store/store.h"
#include "tests/unit/store_fixture.h"

struct found {
	char names[400];
	uint64_t last;
};

static int
note_node(void *ctx, const struct store_node *node)
{
	struct found *found = ctx;

	assert_int_equal(node->level, STORE_STUDY);
	strcat(strcat(found->names, node->name), " ");
	found->last = node->id;
	return 0;
}

/* Studies found by an external value, without a look at a header. */
static const char *
found_by_external(struct store_fixture *f, const char *value)
{
	static struct found found;
	struct search_term term = { .tag = 0x00191100, .match = SEARCH_EXACT, .value = value };
	struct search_report report;
	struct search s = { .level = STORE_STUDY, .terms = &term, .n_terms = 1, .external = true, .report = &report };
	struct err err = { 0 };

	found = (struct found){ .last = 0 };
	assert_int_equal(store_search_nodes(f->st, &s, note_node, &found, &err), 0);
	assert_int_equal(report.headers, 0);
	return found.names;
}

static void
a_study_has_values_that_no_file_has_until_it_goes(void **state)
{
	struct store_fixture *f = *state;
	uint64_t id = put_sample(f->st, sample("1.2", "1.2.3", "1.2.3.4"));
	const struct external_value good[] = {
		{ 0x00191100, VR('L', 'O'), "a" }, { 0x00191101, VR('F', 'L'), "-1.5" }, { 0x00191102, VR('L', 'O'), "" },
	};
	const struct external_value bad[] = {
		{ 0x00191100, VR('L', 'O'), "b" }, { 0x00191101, VR('L', 'O'), "b" },
	};
	const struct external_value wrong[] = {
		{ 0x00100010, VR('P', 'N'), "a" }, { 0x00190010, VR('L', 'O'), "a" }, { 0x00191100, VR('O', 'B'), "a" },
		{ 0x00191100, VR('U', 'T'), "a" }, { 0x00191100, VR('U', 'S'), "-1" }, { 0x00191100, VR('S', 'L'), "1.0" },
		{ 0x00191100, VR('F', 'L'), "1e39" }, { 0x00191100, VR('D', 'A'), "20240230" }, { 0x00191100, VR('L', 'O'), "a\\b" },
		{ 0x00191100, VR('L', 'O'), "\xff" }, { 0xffff1100, VR('L', 'O'), "a" }, { 0x00051100, VR('L', 'O'), "a" },
	};
	struct store_node n;
	struct err err = { 0 };
	size_t i;

	assert_int_equal(store_get_node(f->st, id, &n), 0);
	assert_int_equal(store_get_node(f->st, n.parent, &n), 0);
	assert_int_equal(store_put_external(f->st, n.id, good, 1, &err), -ENOENT);	/* a series */
	id = n.parent;
	assert_int_equal(store_put_external(f->st, id, good, 3, &err), 0);
	assert_string_equal(externals_of(f->st, id), "00191100 LO a;00191101 FL -1.5;");
	/* all or none */
	assert_int_equal(store_put_external(f->st, id, bad, 2, &err), -EINVAL);
	assert_string_equal(externals_of(f->st, id), "00191100 LO a;00191101 FL -1.5;");
	assert_int_equal(store_put_external(f->st, id, bad, 1, &err), 0);
	assert_string_equal(externals_of(f->st, id), "00191100 LO b;00191101 FL -1.5;");
	assert_string_equal(found_by_external(f, "B"), "1.2 ");
	assert_string_equal(found_by_external(f, "a"), "");
	for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		err_clear(&err);
		if (store_put_external(f->st, id, &wrong[i], 1, &err) != -EINVAL || err.tag != wrong[i].tag)
			fail_msg("%zu", i);
	}
	assert_int_equal(store_delete_id(f->st, id, 0, &err), 0);
	assert_int_equal(store_put_external(f->st, id, good, 1, &err), -ENOENT);
	put_sample(f->st, sample("1.2", "1.2.3", "1.2.3.4"));
	assert_int_equal(store_find_partition(f->st, STORE_DEFAULT_PARTITION, &n), 0);
	assert_int_equal(store_lookup(f->st, n.id, "1.2", &n), 0);
	assert_string_equal(externals_of(f->st, n.id), "");
	assert_true(store_is_clean(f->st));
}

static void
matches_are_nodes_and_a_search_goes_on_where_it_ended(void **state)
{
	struct store_fixture *f = *state;
	static const char *const studies[] = { "1.1", "1.2", "1.3", "1.4", "1.5" };
	struct search_term term = { .tag = TAG_PATIENT_ID, .match = SEARCH_EXACT, .value = "P1" };
	struct search_report report;
	struct search s = { .level = STORE_STUDY, .terms = &term, .n_terms = 1, .limit = 2, .report = &report };
	struct found found = { .last = 0 };
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < 5; i++) {
		struct sample sample_i = sample(studies[i], "1.9", studies[i]);

		sample_i.body_part = i % 2 == 0 ? "HEAD" : "KNEE";
		put_sample(f->st, sample_i);
	}
	for (i = 0; i < 3; i++) {
		assert_int_equal(store_search_nodes(f->st, &s, note_node, &found, &err), 0);
		s.before = found.last;
	}
	assert_string_equal(found.names, "1.5 1.4 1.3 1.2 1.1 ");
	assert_int_equal(store_search_nodes(f->st, &s, note_node, &found, &err), 0);
	assert_string_equal(found.names, "1.5 1.4 1.3 1.2 1.1 ");

	/* By an attribute that is not indexed, two headers at a time. */
	term = (struct search_term){ .tag = 0x00180015, .match = SEARCH_EXACT, .value = "HEAD" };
	s = (struct search){ .level = STORE_STUDY, .terms = &term, .n_terms = 1, .scan = true, .scan_max = 2,
			     .report = &report };
	found.names[0] = '\0';
	i = 0;
	do {
		assert_int_equal(store_search_nodes(f->st, &s, note_node, &found, &err), 0);
		s.before = report.next;
		i++;
	} while (report.cut);
	assert_string_equal(found.names, "1.5 1.3 1.1 ");
	assert_int_equal(i, 3);
}

/* Two spellings that match alike are one key of the index: removing one must not take the other's. */
static void
a_modality_stays_searchable_while_any_spelling_of_it_is_left(void **state)
{
	struct store_fixture *f = *state;
	struct search_term t = { .tag = TAG_MODALITIES_IN_STUDY, .value = "CT" };
	struct search q = { .level = STORE_STUDY, .terms = &t, .n_terms = 1 };
	struct store_scope scope = { .study_uid = "1.1", .series_uid = "1.1.2" };
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct err err = { 0 };

	put_sample(f->st, s);
	s = sample("1.1", "1.1.2", "1.1.2.1");
	s.modality = "ct";
	put_sample(f->st, s);
	assert_int_equal(store_delete(f->st, &scope, NULL, &err), 0);
	assert_string_equal(search_for(f->st, q, TAG_STUDY_INSTANCE_UID), "\"1.1\" ");
	assert_string_equal(search_for(f->st, q, TAG_MODALITIES_IN_STUDY), "\"CT\" ");
	scope.series_uid = "1.1.1";
	assert_int_equal(store_delete(f->st, &scope, NULL, &err), 0);
	assert_string_equal(search_for(f->st, q, TAG_STUDY_INSTANCE_UID), "");
}

static void
searches_match_values_ranges_words_and_modalities(void **state)
{
	struct store_fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct search_term t = { 0 };
	struct search q = { .level = STORE_STUDY, .terms = &t, .n_terms = 1 };

	put_sample(f->st, s);
	s = sample("1.2", "1.2.1", "1.2.1.1");
	s.patient_name = "M\xC3\xBCller^Anna Maria";
	s.study_date = "20240301";
	put_sample(f->st, s);
	s = sample("1.2", "1.2.2", "1.2.2.1");
	s.patient_name = "M\xC3\xBCller^Anna Maria";
	s.study_date = "20240301";
	s.modality = "MR";
	put_sample(f->st, s);

#define EXPECT(tag_, match_, value_, upper_, found) do {						\
		t = (struct search_term){ .tag = tag_, .match = match_, .value = value_, .upper = upper_ };	\
		assert_string_equal(search_for(f->st, q, TAG_STUDY_INSTANCE_UID), found);			\
	} while (0)
	EXPECT(TAG_PATIENT_NAME, SEARCH_EXACT, "doe^john", NULL, "\"1.1\" ");
	EXPECT(TAG_PATIENT_NAME, SEARCH_EXACT, "MULLER^ANNA MARIA", NULL, "\"1.2\" ");
	EXPECT(TAG_PATIENT_NAME, SEARCH_EXACT, "doe", NULL, "");
	EXPECT(TAG_PATIENT_NAME, SEARCH_WORDS, "joh", NULL, "\"1.1\" ");
	EXPECT(TAG_PATIENT_NAME, SEARCH_WORDS, "an ma", NULL, "\"1.2\" ");
	EXPECT(TAG_PATIENT_NAME, SEARCH_WORDS, "mu an", NULL, "\"1.2\" ");
	EXPECT(TAG_PATIENT_NAME, SEARCH_WORDS, "ma an", NULL, "");
	EXPECT(TAG_PATIENT_NAME, SEARCH_WORDS, "aria", NULL, "");
	EXPECT(TAG_STUDY_DATE, SEARCH_EXACT, "20240115", NULL, "\"1.1\" ");
	EXPECT(TAG_STUDY_DATE, SEARCH_RANGE, "20240115", "20240301", "\"1.2\" \"1.1\" ");
	EXPECT(TAG_STUDY_DATE, SEARCH_RANGE, "20240116", NULL, "\"1.2\" ");
	EXPECT(TAG_STUDY_DATE, SEARCH_RANGE, NULL, "20240229", "\"1.1\" ");
	EXPECT(TAG_MODALITIES_IN_STUDY, SEARCH_EXACT, "mr", NULL, "\"1.2\" ");
	EXPECT(TAG_MODALITIES_IN_STUDY, SEARCH_EXACT, "CT", NULL, "\"1.2\" \"1.1\" ");
	EXPECT(TAG_STUDY_INSTANCE_UID, SEARCH_EXACT, "1.2", NULL, "\"1.2\" ");
	EXPECT(TAG_PATIENT_ID, SEARCH_EXACT, "P1", NULL, "\"1.2\" \"1.1\" ");
	q.limit = 1;
	EXPECT(TAG_PATIENT_ID, SEARCH_EXACT, "P1", NULL, "\"1.2\" ");
	q.offset = 1;
	EXPECT(TAG_PATIENT_ID, SEARCH_EXACT, "P1", NULL, "\"1.1\" ");
	q.offset = q.limit = 0;
	q.level = STORE_SERIES;
#undef EXPECT
#define EXPECT(tag_, match_, value_, found) do {							\
		t = (struct search_term){ .tag = tag_, .match = match_, .value = value_ };		\
		assert_string_equal(search_for(f->st, q, TAG_SERIES_INSTANCE_UID), found);			\
	} while (0)
	EXPECT(TAG_MODALITY, SEARCH_EXACT, "CT", "\"1.2.1\" \"1.1.1\" ");
	EXPECT(TAG_STUDY_DATE, SEARCH_EXACT, "20240301", "\"1.2.2\" \"1.2.1\" ");
	EXPECT(TAG_SERIES_INSTANCE_UID, SEARCH_EXACT, "1.2.2", "\"1.2.2\" ");
	q.n_terms = 0;
	EXPECT(0, SEARCH_EXACT, "", "\"1.2.2\" \"1.2.1\" \"1.1.1\" ");
	q.study_uid = "1.2";
	EXPECT(0, SEARCH_EXACT, "", "\"1.2.2\" \"1.2.1\" ");
	q = (struct search){ .level = STORE_INSTANCE, .terms = &t, .n_terms = 1 };
#undef EXPECT
#define EXPECT(tag_, value_, found) do {								\
		t = (struct search_term){ .tag = tag_, .value = value_ };				\
		assert_string_equal(search_for(f->st, q, TAG_SOP_INSTANCE_UID), found);			\
	} while (0)
	EXPECT(TAG_SOP_INSTANCE_UID, "1.2.1.1", "\"1.2.1.1\" ");
	EXPECT(TAG_MODALITY, "CT", "\"1.2.1.1\" \"1.1.1.1\" ");
	EXPECT(TAG_PATIENT_NAME, "Doe^John", "\"1.1.1.1\" ");
	q.n_terms = 0;
	EXPECT(0, "", "\"1.2.2.1\" \"1.2.1.1\" \"1.1.1.1\" ");
	q.study_uid = "1.2";
	EXPECT(0, "", "\"1.2.2.1\" \"1.2.1.1\" ");
	q.series_uid = "1.2.1";
	EXPECT(0, "", "\"1.2.1.1\" ");
#undef EXPECT
}

static void
instances_come_by_watermark_when_one_was_replaced(void **state)
{
	struct store_fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct search q = { .level = STORE_INSTANCE, .study_uid = "1.1" };

	put_sample(f->st, s);
	s.sop_uid = "1.1.1.2";
	put_sample(f->st, s);
	assert_string_equal(search_for(f->st, q, TAG_SOP_INSTANCE_UID), "\"1.1.1.2\" \"1.1.1.1\" ");
	s.sop_uid = "1.1.1.1";
	s.fill = 9;
	put_sample(f->st, s);
	assert_string_equal(search_for(f->st, q, TAG_SOP_INSTANCE_UID), "\"1.1.1.1\" \"1.1.1.2\" ");
	q.study_uid = NULL;
	assert_string_equal(search_for(f->st, q, TAG_SOP_INSTANCE_UID), "\"1.1.1.1\" \"1.1.1.2\" ");
}

static void
more_matches_than_are_held_at_once_come_in_parts_and_cannot_be_sorted(void **state)
{
	struct store_fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", NULL);
	struct search_order by = { .tag = TAG_STUDY_DATE };
	struct search q = { .level = STORE_INSTANCE };
	uint64_t before = search_hits_max;
	struct err err = { 0 };
	char uid[16];
	int i;

	for (i = 1; i <= 7; i++) {
		snprintf(uid, sizeof uid, "1.1.1.%d", i);
		s.sop_uid = uid;
		put_sample(f->st, s);
	}
	search_hits_max = 3;
	assert_string_equal(search_for(f->st, q, TAG_SOP_INSTANCE_UID),
			    "\"1.1.1.7\" \"1.1.1.6\" \"1.1.1.5\" \"1.1.1.4\" \"1.1.1.3\" \"1.1.1.2\" \"1.1.1.1\" ");
	q.limit = 4;
	q.offset = 2;
	assert_string_equal(search_for(f->st, q, TAG_SOP_INSTANCE_UID),
			    "\"1.1.1.5\" \"1.1.1.4\" \"1.1.1.3\" \"1.1.1.2\" ");
	q.orders = &by;
	q.n_orders = 1;
	assert_int_equal(store_search(f->st, &q, append, NULL, &err), -EINVAL);
	assert_non_null(strstr(err_text(&err), "too many"));
	search_hits_max = 7;
	assert_string_equal(search_for(f->st, q, TAG_SOP_INSTANCE_UID),
			    "\"1.1.1.3\" \"1.1.1.4\" \"1.1.1.5\" \"1.1.1.6\" ");
	search_hits_max = before;
}

static void
the_latest_value_stands_for_a_study_and_an_empty_one_does_not(void **state)
{
	struct store_fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct search_term t = { .tag = TAG_STUDY_DESCRIPTION, .value = "neck" };
	struct search q = { .level = STORE_STUDY, .terms = &t, .n_terms = 1 };

	put_sample(f->st, s);
	s.sop_uid = "1.1.1.2";
	s.description = "Neck";
	put_sample(f->st, s);
	s.sop_uid = "1.1.1.3";
	s.description = "";
	put_sample(f->st, s);
	assert_string_equal(search_for(f->st, q, TAG_STUDY_DESCRIPTION), "\"Neck\" ");
	t.value = "Head";
	assert_string_equal(search_for(f->st, q, TAG_STUDY_DESCRIPTION), "");
	assert_true(store_is_clean(f->st));
}

static void
what_is_in_no_row_comes_from_the_header_of_the_latest(void **state)
{
	struct store_fixture *f = *state;
	struct search q = { .level = STORE_STUDY };

	put_sample(f->st, sample("1.1", "1.1.1", "1.1.1.1"));
	assert_string_equal(search_for(f->st, q, TAG_ROWS), "1 ");
	assert_string_equal(search_for(f->st, q, TAG_STUDY_RELATED_INSTANCES), "1 ");
	assert_string_equal(search_for(f->st, q, TAG_PIXEL_DATA), "");
}

static void
terms_that_make_no_sense_are_refused(void **state)
{
	struct store_fixture *f = *state;
	struct search_term t = { .tag = TAG_ROWS, .value = "1" };
	struct search q = { .level = STORE_STUDY, .terms = &t, .n_terms = 1 };
	struct err err = { 0 };

	assert_int_equal(store_search(f->st, &q, append, NULL, &err), -EINVAL);
	t.tag = TAG_MODALITY;
	assert_int_equal(store_search(f->st, &q, append, NULL, &err), -EINVAL);
	t.tag = TAG_STUDY_DATE;
	t.value = "20230229";
	assert_int_equal(store_search(f->st, &q, append, NULL, &err), -EINVAL);
	t.match = SEARCH_RANGE;
	t.value = "20240229";
	t.upper = "tomorrow";
	assert_int_equal(store_search(f->st, &q, append, NULL, &err), -EINVAL);
}

static void
a_scan_of_headers_is_bounded_and_tells(void **state)
{
	struct search_term sixteen = { .tag = TAG_BITS_ALLOCATED, .value = "16" };
	struct search_term eight = { .tag = TAG_BITS_ALLOCATED, .value = "8" };
	struct search_report report;
	struct store_fixture *f = *state;
	struct search q = { .level = STORE_STUDY, .terms = &eight, .n_terms = 1, .scan = true, .report = &report };

	/* an attribute of instances, so no row of a study tells of it */
	put_sample(f->st, sample("1.1", "1.1.1", "1.1.1.1"));
	put_sample(f->st, sample("1.2", "1.2.1", "1.2.1.1"));
	put_sample(f->st, sample("1.3", "1.3.1", "1.3.1.1"));
	assert_string_equal(search_for(f->st, q, TAG_STUDY_INSTANCE_UID), "\"1.3\" \"1.2\" \"1.1\" ");
	assert_int_equal(report.headers, 3);
	assert_false(report.cut);
	assert_int_equal(report.total, 3);
	q.scan_max = 2;
	assert_string_equal(search_for(f->st, q, TAG_STUDY_INSTANCE_UID), "\"1.3\" \"1.2\" ");
	assert_int_equal(report.headers, 2);
	assert_true(report.cut);
	assert_true(report.total == UINT64_MAX);
	q.terms = &sixteen;
	assert_string_equal(search_for(f->st, q, TAG_STUDY_INSTANCE_UID), "");
	assert_true(report.cut);
	/* a page that is full needs no more headers */
	q.terms = &eight;
	q.scan_max = 3;
	q.limit = 1;
	assert_string_equal(search_for(f->st, q, TAG_STUDY_INSTANCE_UID), "\"1.3\" ");
	assert_int_equal(report.headers, 1);
	assert_false(report.cut);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, store_fixture_setup, store_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_study_has_values_that_no_file_has_until_it_goes),
		TEST(matches_are_nodes_and_a_search_goes_on_where_it_ended),
		TEST(a_modality_stays_searchable_while_any_spelling_of_it_is_left),
		TEST(searches_match_values_ranges_words_and_modalities),
		TEST(instances_come_by_watermark_when_one_was_replaced),
		TEST(more_matches_than_are_held_at_once_come_in_parts_and_cannot_be_sorted),
		TEST(the_latest_value_stands_for_a_study_and_an_empty_one_does_not),
		TEST(what_is_in_no_row_comes_from_the_header_of_the_latest),
		TEST(terms_that_make_no_sense_are_refused),
		TEST(a_scan_of_headers_is_bounded_and_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
