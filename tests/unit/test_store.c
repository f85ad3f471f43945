/* The verbs of a store on tiny instances: ingest, find, search, read, delete, check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dicom/tag.h"
#include "store/external.h"
#include "store/search_internal.h"
#include "store/store.h"
#include "tests/unit/ingest.h"
#include "tests/unit/scratch.h"

struct fixture {
	char dir[SCRATCH_MAX];
	struct store *st;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct err err = { 0 };

	*state = f;
	if (scratch_store(f->dir, "store", "ws", "svc", &f->st, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int r;

	store_close(f->st);
	r = scratch_remove(f->dir);
	free(f);
	return r;
}

static int
ingest(struct store *st, const struct sample *s, enum ingest_same same, const char *partition,
       struct ingest_result *result, struct err *err)
{
	struct ingest_options o = { .partition = partition, .same = same };

	return ingest_sample(st, s, &o, result, err);
}

static struct sample
sample(const char *study, const char *series, const char *sop)
{
	return (struct sample){ .study_uid = study, .series_uid = series, .sop_uid = sop, .patient_id = "P1",
		.patient_name = "Doe^John", .study_date = "20240115", .modality = "CT", .description = "Head",
		.pixels = 100, .fill = 7 };
}

static uint64_t
put(struct fixture *f, struct sample s)
{
	struct ingest_result result;
	struct err err = { 0 };

	if (ingest(f->st, &s, INGEST_SAME_REPLACE, NULL, &result, &err) < 0)
		fail_msg("%s", err_text(&err));
	return result.id;
}

static void
expect_clean(struct fixture *f)
{
	assert_true(store_is_clean(f->st));
}

static int
append(void *ctx, struct slice dataset)
{
	struct buf *b = ctx;

	if (b->len > 0)
		buf_putc(b, ' ');
	return buf_put(b, dataset.data, dataset.len);
}

/* Search and give the values of one tag, newest first. */
static const char *
search_for(struct fixture *f, struct search s, uint32_t tag)
{
	static char text[4000];
	struct err err = { 0 };
	struct buf b;
	char *out = text;
	const char *p;

	buf_init(&b, 1 << 20);
	s.tags = &tag;
	s.n_tags = 1;
	if (store_search(f->st, &s, append, &b, &err) < 0)
		fail_msg("%s", err_text(&err));
	text[0] = '\0';
	for (p = b.data; p != NULL && (p = strstr(p, "\"Value\":[")) != NULL;) {
		p += 9;
		while (*p != ']')
			*out++ = *p++;
		*out++ = ' ';
		*out = '\0';
	}
	buf_fini(&b);
	return text;
}

/* -- tests ---------------------------------------------------------------- */

static void
an_instance_stored_is_found_and_its_bytes_come_back(void **state)
{
	struct fixture *f = *state;
	struct sample s = sample("1.2", "1.2.3", "1.2.3.4");
	unsigned char bytes[SAMPLE_MAX + 100], got[SAMPLE_MAX + 100];
	struct store_file *file;
	struct store_node n;
	struct err err = { 0 };
	size_t len = make_dicom(&s, bytes);
	uint64_t id = put(f, s);

	assert_int_equal(store_lookup(f->st, STORE_ROOT_ID, "Microsoft.Default", &n), 0);
	assert_int_equal(n.count, 1);
	assert_int_equal(store_lookup(f->st, n.id, "1.2", &n), 0);
	assert_int_equal(n.level, STORE_STUDY);
	assert_int_equal(store_lookup(f->st, n.id, "1.2.3", &n), 0);
	assert_int_equal(store_lookup(f->st, n.id, "1.2.3.4", &n), 0);
	assert_int_equal(n.id, id);
	assert_int_equal(n.size, len);
	assert_int_equal(store_lookup(f->st, n.parent, "1.2.3.5", &n), -ENOENT);
	assert_int_equal(store_open_file(f->st, id, &file, &err), 0);
	assert_int_equal(store_file_pread(file, got, sizeof got, 0), len);
	assert_memory_equal(got, bytes, len);
	assert_string_equal(store_file_info(file)->xfer_uid, "1.2.840.10008.1.2.1");
	store_file_close(file);
	expect_clean(f);
}

static const char *
attributes_of(struct fixture *f, uint64_t id)
{
	static char text[8192];
	struct err err = { 0 };
	struct buf b;

	buf_init(&b, sizeof text - 1);
	if (store_get_attributes(f->st, id, &b, &err) < 0)
		fail_msg("%s", err_text(&err));
	strcpy(text, b.data);
	buf_fini(&b);
	return text;
}

static void
each_level_has_its_own_attributes(void **state)
{
	struct fixture *f = *state;
	struct sample s = sample("1.2", "1.2.3", "1.2.3.4");
	struct store_node n, series;
	struct err err = { 0 };
	uint64_t id = put(f, s), watermark;
	struct buf b;

	assert_int_equal(store_get_node(f->st, id, &n), 0);
	watermark = n.watermark;
	assert_non_null(strstr(attributes_of(f, id), "\"00100020\":{\"vr\":\"LO\",\"Value\":[\"P1\"]}"));
	assert_non_null(strstr(attributes_of(f, id), "\"00080018\":{\"vr\":\"UI\",\"Value\":[\"1.2.3.4\"]}"));
	assert_null(strstr(attributes_of(f, id), "7FE00010"));
	assert_int_equal(store_get_node(f->st, n.parent, &series), 0);
	assert_string_equal(attributes_of(f, series.id), "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 192\"]},\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},"
			    "\"0020000E\":{\"vr\":\"UI\",\"Value\":[\"1.2.3\"]}}");
	assert_true(series.watermark == watermark);
	assert_int_equal(store_get_node(f->st, series.parent, &n), 0);
	assert_true(n.watermark == watermark);
	assert_string_equal(attributes_of(f, n.id), "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 192\"]},\"00080020\":{\"vr\":\"DA\",\"Value\":[\"20240115\"]},"
			    "\"00080061\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},\"00081030\":{\"vr\":\"LO\",\"Value\":[\"Head\"]},"
			    "\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"Doe^John\"}]},"
			    "\"00100020\":{\"vr\":\"LO\",\"Value\":[\"P1\"]},"
			    "\"0020000D\":{\"vr\":\"UI\",\"Value\":[\"1.2\"]}}");
	buf_init(&b, 1000);
	assert_int_equal(store_get_attributes(f->st, n.parent, &b, &err), -ENOENT);
	assert_int_equal(store_get_attributes(f->st, 999999, &b, &err), -ENOENT);
	buf_fini(&b);
}

static int
note_external(void *ctx, const struct external_value *v)
{
	buf_printf(ctx, "%08x %c%c %s;", (unsigned)v->tag, v->vr >> 8, v->vr & 0xff, v->text);
	return 0;
}

static const char *
externals_of(struct fixture *f, uint64_t study)
{
	static char text[400];
	struct err err = { 0 };
	struct buf b;

	buf_init(&b, sizeof text - 1);
	assert_int_equal(store_get_external(f->st, study, note_external, &b, &err), 0);
	snprintf(text, sizeof text, "%s", b.data != NULL ? b.data : "");
	buf_fini(&b);
	return text;
}

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
found_by_external(struct fixture *f, const char *value)
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
	struct fixture *f = *state;
	uint64_t id = put(f, sample("1.2", "1.2.3", "1.2.3.4"));
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
	assert_string_equal(externals_of(f, id), "00191100 LO a;00191101 FL -1.5;");
	/* all or none */
	assert_int_equal(store_put_external(f->st, id, bad, 2, &err), -EINVAL);
	assert_string_equal(externals_of(f, id), "00191100 LO a;00191101 FL -1.5;");
	assert_int_equal(store_put_external(f->st, id, bad, 1, &err), 0);
	assert_string_equal(externals_of(f, id), "00191100 LO b;00191101 FL -1.5;");
	assert_string_equal(found_by_external(f, "B"), "1.2 ");
	assert_string_equal(found_by_external(f, "a"), "");
	for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		err_clear(&err);
		if (store_put_external(f->st, id, &wrong[i], 1, &err) != -EINVAL || err.tag != wrong[i].tag)
			fail_msg("%zu", i);
	}
	assert_int_equal(store_delete_id(f->st, id, 0, &err), 0);
	assert_int_equal(store_put_external(f->st, id, good, 1, &err), -ENOENT);
	put(f, sample("1.2", "1.2.3", "1.2.3.4"));
	assert_int_equal(store_find_partition(f->st, STORE_DEFAULT_PARTITION, &n), 0);
	assert_int_equal(store_lookup(f->st, n.id, "1.2", &n), 0);
	assert_string_equal(externals_of(f, n.id), "");
	expect_clean(f);
}

static void
matches_are_nodes_and_a_search_goes_on_where_it_ended(void **state)
{
	struct fixture *f = *state;
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
		put(f, sample_i);
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

static void
the_same_instance_again_is_kept_refused_or_replaced_as_asked(void **state)
{
	struct fixture *f = *state;
	struct sample s = sample("1.2", "1.2.3", "1.2.3.4"), other = s;
	struct ingest_result result;
	struct store_node n;
	struct err err = { 0 };
	uint64_t id = put(f, s);

	other.fill = 8;
	other.pixels = 200;
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REFUSE, NULL, &result, &err), -EEXIST);
	assert_int_equal(err.reason, REASON_EXISTS);
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_KEEP, NULL, &result, &err), 0);
	assert_int_equal(result.outcome, INGEST_UNCHANGED);
	assert_int_equal(ingest(f->st, &other, INGEST_SAME_KEEP, NULL, &result, &err), -EEXIST);
	assert_int_equal(ingest(f->st, &other, INGEST_SAME_REPLACE, NULL, &result, &err), 0);
	assert_int_equal(result.outcome, INGEST_REPLACED);
	assert_int_equal(result.id, id);
	assert_int_equal(store_get_node(f->st, id, &n), 0);
	assert_true(n.watermark == result.watermark);
	assert_int_equal(store_get_node(f->st, n.parent, &n), 0);
	assert_int_equal(n.count, 1);
	expect_clean(f);
}

static void
what_is_refused_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct sample s = sample("1.2", "1.2.3", "../../../../etc/passwd");
	struct ingest_result result;
	struct store_status status;
	struct incoming *in;
	struct ticket *t;
	struct ingest_options o = { 0 };
	struct err err = { 0 };

	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REPLACE, NULL, &result, &err), -EINVAL);
	assert_int_equal(err.reason, REASON_INVALID);
	assert_int_equal(incoming_new(f->st, &in, &err), 0);
	assert_int_equal(incoming_write(in, "not DICOM", 9, &err), 0);
	assert_int_equal(incoming_accept(in, &o, &result, &t, &err), -EBADMSG);
	incoming_free(in);
	assert_int_equal(store_get_status(f->st, &status, &err), 0);
	assert_int_equal(status.instances, 0);
	assert_int_equal(status.refused, 2);
	s.sop_uid = "1.2.3.4";
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REPLACE, "../../outside", &result, &err), -EINVAL);
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REPLACE, "..", &result, &err), -EINVAL);
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REPLACE, "", &result, &err), -EINVAL);
	expect_clean(f);
}

/* Two spellings that match alike are one key of the index: removing one must not take the other's. */
static void
a_modality_stays_searchable_while_any_spelling_of_it_is_left(void **state)
{
	struct fixture *f = *state;
	struct search_term t = { .tag = TAG_MODALITIES_IN_STUDY, .value = "CT" };
	struct search q = { .level = STORE_STUDY, .terms = &t, .n_terms = 1 };
	struct store_scope scope = { .study_uid = "1.1", .series_uid = "1.1.2" };
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct err err = { 0 };

	put(f, s);
	s = sample("1.1", "1.1.2", "1.1.2.1");
	s.modality = "ct";
	put(f, s);
	assert_int_equal(store_delete(f->st, &scope, NULL, &err), 0);
	assert_string_equal(search_for(f, q, TAG_STUDY_INSTANCE_UID), "\"1.1\" ");
	assert_string_equal(search_for(f, q, TAG_MODALITIES_IN_STUDY), "\"CT\" ");
	scope.series_uid = "1.1.1";
	assert_int_equal(store_delete(f->st, &scope, NULL, &err), 0);
	assert_string_equal(search_for(f, q, TAG_STUDY_INSTANCE_UID), "");
}

static void
searches_match_values_ranges_words_and_modalities(void **state)
{
	struct fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct search_term t = { 0 };
	struct search q = { .level = STORE_STUDY, .terms = &t, .n_terms = 1 };

	put(f, s);
	s = sample("1.2", "1.2.1", "1.2.1.1");
	s.patient_name = "M\xC3\xBCller^Anna Maria";
	s.study_date = "20240301";
	put(f, s);
	s = sample("1.2", "1.2.2", "1.2.2.1");
	s.patient_name = "M\xC3\xBCller^Anna Maria";
	s.study_date = "20240301";
	s.modality = "MR";
	put(f, s);

#define EXPECT(tag_, match_, value_, upper_, found) do {						\
		t = (struct search_term){ .tag = tag_, .match = match_, .value = value_, .upper = upper_ };	\
		assert_string_equal(search_for(f, q, TAG_STUDY_INSTANCE_UID), found);			\
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
		assert_string_equal(search_for(f, q, TAG_SERIES_INSTANCE_UID), found);			\
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
		assert_string_equal(search_for(f, q, TAG_SOP_INSTANCE_UID), found);			\
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
	struct fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct search q = { .level = STORE_INSTANCE, .study_uid = "1.1" };

	put(f, s);
	s.sop_uid = "1.1.1.2";
	put(f, s);
	assert_string_equal(search_for(f, q, TAG_SOP_INSTANCE_UID), "\"1.1.1.2\" \"1.1.1.1\" ");
	s.sop_uid = "1.1.1.1";
	s.fill = 9;
	put(f, s);
	assert_string_equal(search_for(f, q, TAG_SOP_INSTANCE_UID), "\"1.1.1.1\" \"1.1.1.2\" ");
	q.study_uid = NULL;
	assert_string_equal(search_for(f, q, TAG_SOP_INSTANCE_UID), "\"1.1.1.1\" \"1.1.1.2\" ");
}

static void
more_matches_than_are_held_at_once_come_in_parts_and_cannot_be_sorted(void **state)
{
	struct fixture *f = *state;
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
		put(f, s);
	}
	search_hits_max = 3;
	assert_string_equal(search_for(f, q, TAG_SOP_INSTANCE_UID),
			    "\"1.1.1.7\" \"1.1.1.6\" \"1.1.1.5\" \"1.1.1.4\" \"1.1.1.3\" \"1.1.1.2\" \"1.1.1.1\" ");
	q.limit = 4;
	q.offset = 2;
	assert_string_equal(search_for(f, q, TAG_SOP_INSTANCE_UID),
			    "\"1.1.1.5\" \"1.1.1.4\" \"1.1.1.3\" \"1.1.1.2\" ");
	q.orders = &by;
	q.n_orders = 1;
	assert_int_equal(store_search(f->st, &q, append, NULL, &err), -EINVAL);
	assert_non_null(strstr(err_text(&err), "too many"));
	search_hits_max = 7;
	assert_string_equal(search_for(f, q, TAG_SOP_INSTANCE_UID),
			    "\"1.1.1.3\" \"1.1.1.4\" \"1.1.1.5\" \"1.1.1.6\" ");
	search_hits_max = before;
}

static void
the_latest_value_stands_for_a_study_and_an_empty_one_does_not(void **state)
{
	struct fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct search_term t = { .tag = TAG_STUDY_DESCRIPTION, .value = "neck" };
	struct search q = { .level = STORE_STUDY, .terms = &t, .n_terms = 1 };

	put(f, s);
	s.sop_uid = "1.1.1.2";
	s.description = "Neck";
	put(f, s);
	s.sop_uid = "1.1.1.3";
	s.description = "";
	put(f, s);
	assert_string_equal(search_for(f, q, TAG_STUDY_DESCRIPTION), "\"Neck\" ");
	t.value = "Head";
	assert_string_equal(search_for(f, q, TAG_STUDY_DESCRIPTION), "");
	expect_clean(f);
}

static void
what_is_in_no_row_comes_from_the_header_of_the_latest(void **state)
{
	struct fixture *f = *state;
	struct search q = { .level = STORE_STUDY };

	put(f, sample("1.1", "1.1.1", "1.1.1.1"));
	assert_string_equal(search_for(f, q, TAG_ROWS), "1 ");
	assert_string_equal(search_for(f, q, TAG_STUDY_RELATED_INSTANCES), "1 ");
	assert_string_equal(search_for(f, q, TAG_PIXEL_DATA), "");
}

static void
terms_that_make_no_sense_are_refused(void **state)
{
	struct fixture *f = *state;
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
delete_takes_an_instance_a_series_a_study(void **state)
{
	struct fixture *f = *state;
	struct store_scope scope = { .study_uid = "1.1", .series_uid = "1.1.1", .sop_uid = "1.1.1.1" };
	struct search q = { .level = STORE_INSTANCE };
	struct store_status status;
	struct err err = { 0 };
	uint64_t n;

	put(f, sample("1.1", "1.1.1", "1.1.1.1"));
	put(f, sample("1.1", "1.1.1", "1.1.1.2"));
	put(f, sample("1.1", "1.1.2", "1.1.2.1"));
	put(f, sample("1.2", "1.2.1", "1.2.1.1"));
	assert_int_equal(store_delete(f->st, &scope, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_delete(f->st, &scope, &n, &err), -ENOENT);
	assert_string_equal(search_for(f, q, TAG_SOP_INSTANCE_UID), "\"1.2.1.1\" \"1.1.2.1\" \"1.1.1.2\" ");
	expect_clean(f);
	scope.sop_uid = NULL;
	assert_int_equal(store_delete(f->st, &scope, &n, &err), 0);
	q.level = STORE_SERIES;
	assert_string_equal(search_for(f, q, TAG_SERIES_INSTANCE_UID), "\"1.2.1\" \"1.1.2\" ");
	expect_clean(f);
	scope.series_uid = NULL;
	assert_int_equal(store_delete(f->st, &scope, &n, &err), 0);
	assert_int_equal(store_get_status(f->st, &status, &err), 0);
	assert_int_equal(status.studies, 1);
	assert_int_equal(status.instances, 1);
	assert_int_equal(status.pending, 0);
	expect_clean(f);
	put(f, sample("1.1", "1.1.1", "1.1.1.1"));
	expect_clean(f);
}

static void
delete_of_a_version_leaves_the_one_that_took_its_place(void **state)
{
	struct fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct ingest_result first, second;
	struct store_node n;
	struct err err = { 0 };

	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REFUSE, NULL, &first, &err), 0);
	s.fill++;
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REPLACE, NULL, &second, &err), 0);
	assert_true(first.id == second.id);
	assert_int_equal(store_delete_id(f->st, first.id, first.watermark, &err), -ESTALE);
	assert_int_equal(store_get_node(f->st, second.id, &n), 0);
	assert_true(n.watermark == second.watermark);
	assert_int_equal(store_delete_id(f->st, second.id, second.watermark, &err), 0);
	assert_int_equal(store_get_node(f->st, second.id, &n), -ENOENT);
	expect_clean(f);
}

static void
partitions_do_not_see_each_other(void **state)
{
	struct fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct search q = { .level = STORE_STUDY };
	struct ingest_result result;
	struct err err = { 0 };

	put(f, s);
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REFUSE, "clinicA", &result, &err), 0);
	s.study_uid = "1.9";
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REFUSE, "CLINICa", &result, &err), 0);
	q.partition = "clinicA";
	assert_string_equal(search_for(f, q, TAG_STUDY_INSTANCE_UID), "\"1.9\" \"1.1\" ");
	q.partition = NULL;
	assert_string_equal(search_for(f, q, TAG_STUDY_INSTANCE_UID), "\"1.1\" ");
	expect_clean(f);
}

static void
a_scan_gives_every_instance_of_its_scope_once(void **state)
{
	struct fixture *f = *state;
	struct store_scope scope = { .study_uid = "1.1" };
	struct scope_totals totals;
	struct instance_info info;
	struct store_scan *scan;
	struct err err = { 0 };
	struct buf json;
	char sop[20];
	int i, n = 0, r;

	for (i = 0; i < 150; i++) {
		snprintf(sop, sizeof sop, "1.1.%d.%d", 1 + i % 2, i);
		put(f, sample("1.1", i % 2 ? "1.1.2" : "1.1.1", sop));
	}
	put(f, sample("1.2", "1.2.1", "1.2.1.1"));
	assert_int_equal(store_scan_open(f->st, &scope, &scan, &totals, &err), 0);
	assert_int_equal(totals.instances, 150);
	while ((r = store_scan_next(scan, &info, &err)) > 0)
		n++;
	assert_int_equal(r, 0);
	assert_int_equal(n, 150);
	store_scan_close(scan);
	scope.series_uid = "1.1.2";
	assert_int_equal(store_scan_open(f->st, &scope, &scan, &totals, &err), 0);
	assert_int_equal(totals.instances, 75);
	buf_init(&json, 1 << 24);
	buf_putc(&json, '[');
	for (n = 0, r = 1; r > 0; n++) {
		r = store_scan_metadata(scan, &json, json.len + 5000, NULL, NULL, &err);
		assert_true(r >= 0);
	}
	assert_true(n > 5);
	for (i = 0, n = 0; (size_t)i < json.len; i++)
		n += strncmp(json.data + i, "\"00080018\"", 10) == 0;
	assert_int_equal(n, 75);
	buf_fini(&json);
	store_scan_close(scan);
	scope.study_uid = NULL;
	scope.series_uid = NULL;
	assert_int_equal(store_scan_open(f->st, &scope, &scan, &totals, &err), 0);
	for (n = 0; store_scan_next(scan, &info, &err) > 0;)
		n++;
	assert_int_equal(n, 151);
	store_scan_close(scan);
	scope.study_uid = "1.7";
	assert_int_equal(store_scan_open(f->st, &scope, &scan, &totals, &err), -ENOENT);
	assert_string_equal(err_text(&err), "no such study");
}

static void
check_looks_into_every_partition_however_many_there_are(void **state)
{
	struct fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct check_options o = { 0 };
	struct check_totals totals;
	struct ingest_result result;
	struct err err = { 0 };
	char name[16], path[300];
	int i;

	for (i = 0; i < 1100; i++) {
		snprintf(name, sizeof name, "p%d", i);
		assert_int_equal(ingest(f->st, &s, INGEST_SAME_REFUSE, name, &result, &err), 0);
	}
	snprintf(path, sizeof path, "%s/AHDS/ws/dicom/svc/p1099/1.1/1.1.1/1.1.1.1.dcm", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(store_check(f->st, &o, &totals, &err), 0);
	assert_int_equal(totals.findings, 1);
	assert_int_equal(totals.instances, 1099);
}

static void
a_scan_tells_that_it_met_what_its_totals_did_not_count(void **state)
{
	struct fixture *f = *state;
	struct store_scope scope = { .study_uid = "1.1" };
	struct scope_totals totals;
	struct store_scan *scan;
	struct err err = { 0 };
	struct buf json;

	put(f, sample("1.1", "1.1.1", "1.1.1.1"));
	put(f, sample("1.1", "1.1.1", "1.1.1.2"));
	buf_init(&json, 1 << 24);
	assert_int_equal(store_scan_open(f->st, &scope, &scan, &totals, &err), 0);
	assert_int_equal(store_scan_metadata(scan, &json, 1 << 20, NULL, NULL, &err), 0);
	assert_true(store_scan_newest(scan) == totals.max_watermark);
	store_scan_close(scan);
	assert_int_equal(store_scan_open(f->st, &scope, &scan, &totals, &err), 0);
	put(f, sample("1.1", "1.1.1", "1.1.1.3"));
	assert_int_equal(store_scan_metadata(scan, &json, 1 << 20, NULL, NULL, &err), 0);
	assert_true(store_scan_newest(scan) > totals.max_watermark);
	store_scan_close(scan);
	buf_fini(&json);
}

static void
a_file_changed_behind_the_store_is_stale_and_check_finds_and_repairs_it(void **state)
{
	struct fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct check_options o = { 0 };
	struct check_totals totals;
	struct store_file *file;
	struct err err = { 0 };
	uint64_t id = put(f, s), gone;
	char path[300], other[300];
	unsigned char bytes[SAMPLE_MAX + 100];
	char sum[SHA256_TEXT_MAX];
	size_t len;
	int fd;

	assert_int_equal(store_open_file(f->st, id, &file, &err), 0);
	assert_int_equal(store_file_verify(file, sum, &err), 0);
	assert_int_equal(strlen(sum), SHA256_TEXT_MAX - 1);
	assert_int_equal(store_file_verify(file, NULL, &err), 0);
	s.sop_uid = "1.1.1.2";
	gone = put(f, s);
	snprintf(path, sizeof path, "%s/AHDS/ws/dicom/svc/Microsoft.Default/1.1/1.1.1/1.1.1.1.dcm", f->dir);
	snprintf(other, sizeof other, "%s/AHDS/ws/dicom/svc/Microsoft.Default/1.1/1.1.1/1.1.1.2.dcm", f->dir);
	s.sop_uid = "1.1.1.1";
	s.description = "changed by hand";
	len = make_dicom(&s, bytes);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	assert_int_equal(store_file_verify(file, sum, &err), -ESTALE);
	store_file_close(file);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(store_open_file(f->st, id, &file, &err), -ESTALE);
	assert_int_equal(store_open_file(f->st, gone, &file, &err), -ESTALE);
	snprintf(other, sizeof other, "%s/AHDS/ws/dicom/svc/Microsoft.Default/stray.dcm", f->dir);
	s.sop_uid = "1.1.1.3";
	len = make_dicom(&s, bytes);
	fd = open(other, O_WRONLY | O_CREAT, 0666);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	assert_int_equal(store_check(f->st, &o, &totals, &err), 0);
	assert_int_equal(totals.findings, 3);
	o.repair = true;
	assert_int_equal(store_check(f->st, &o, &totals, &err), 0);
	assert_int_equal(totals.findings, 3);
	assert_int_equal(totals.repaired, 3);
	expect_clean(f);
	assert_int_equal(store_open_file(f->st, id, &file, &err), 0);
	store_file_close(file);
	assert_string_equal(search_for(f, (struct search){ .level = STORE_INSTANCE }, TAG_SOP_INSTANCE_UID),
			    "\"1.1.1.3\" \"1.1.1.1\" ");
}

static void
rebuild_makes_the_index_again_from_the_files(void **state)
{
	struct fixture *f = *state;
	struct check_totals totals;
	struct err err = { 0 };
	struct ingest_result result;
	struct sample s = sample("1.2", "1.2.1", "1.2.1.1");
	const struct external_value values[] = {
		{ 0x00191100, VR('L', 'O'), "a" }, { 0x00191101, VR('U', 'S'), "7" },
	};
	struct store_node n;

	put(f, sample("1.1", "1.1.1", "1.1.1.1"));
	put(f, sample("1.1", "1.1.1", "1.1.1.2"));
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REFUSE, "clinicA", &result, &err), 0);
	assert_int_equal(store_find_partition(f->st, "clinicA", &n), 0);
	assert_int_equal(store_lookup(f->st, n.id, "1.2", &n), 0);
	assert_int_equal(store_put_external(f->st, n.id, values, 2, &err), 0);
	assert_int_equal(store_rebuild(f->dir, &totals, &err), -EBUSY);
	store_close(f->st);
	f->st = NULL;
	if (store_rebuild(f->dir, &totals, &err) < 0)
		fail_msg("%s", err_text(&err));
	assert_int_equal(totals.instances, 3);
	assert_int_equal(totals.findings, 0);
	assert_int_equal(store_open(f->dir, NULL, &f->st, &err), 0);
	assert_string_equal(store_workspace(f->st), "ws");
	assert_string_equal(search_for(f, (struct search){ .level = STORE_STUDY, .partition = "clinicA" },
				       TAG_STUDY_INSTANCE_UID), "\"1.2\" ");
	assert_int_equal(store_find_partition(f->st, "clinicA", &n), 0);
	assert_int_equal(store_lookup(f->st, n.id, "1.2", &n), 0);
	assert_string_equal(externals_of(f, n.id), "00191100 LO a;00191101 US 7;");
	expect_clean(f);
}

struct seen {
	pthread_mutex_t lock;
	char text[200];
};

static void
note(void *ctx, const struct change *c)
{
	struct seen *s = ctx;

	pthread_mutex_lock(&s->lock);
	snprintf(s->text + strlen(s->text), sizeof s->text - strlen(s->text), "%d:%s%s%s ", (int)c->action,
		 c->sop_uid, c->study_appeared ? "+" : "", c->study_vanished ? "-" : "");
	pthread_mutex_unlock(&s->lock);
}

static void
an_observer_is_told_of_each_change_before_the_writer_is(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct store_scope scope = { .study_uid = "1.1" };
	struct store *other;
	struct err err = { 0 };
	int i;

	put(f, sample("1.0", "1.0.0", "1.0.0.0"));
	assert_int_equal(store_observe(f->st, note, &seen), 0);
	put(f, s);
	s.fill = 1;
	put(f, s);
	assert_int_equal(store_delete(f->st, &scope, NULL, &err), 0);
	pthread_mutex_lock(&seen.lock);
	assert_string_equal(seen.text, "1:1.1.1.1+ 2:1.1.1.1 3:1.1.1.1- ");
	seen.text[0] = '\0';
	pthread_mutex_unlock(&seen.lock);
	/* What another process does is seen, too: here another open of the same store. */
	assert_int_equal(store_open(f->dir, NULL, &other, &err), 0);
	{
		struct fixture g = { .st = other };

		put(&g, s);
	}
	for (i = 0; i < 500; i++) {
		pthread_mutex_lock(&seen.lock);
		if (seen.text[0] != '\0')
			i = 1000;
		pthread_mutex_unlock(&seen.lock);
		usleep(10000);
	}
	assert_int_equal(store_observe(f->st, NULL, NULL), 0);
	assert_string_equal(seen.text, "1:1.1.1.1+ ");
	store_close(other);
}

struct worker {
	struct store *st;
	int number, failed;
};

static void *
work(void *ctx)
{
	struct worker *w = ctx;
	struct ingest_result result;
	struct err err = { 0 };
	struct store_scope scope = { .study_uid = "1.5" };
	char series[20], sop[40];
	int i, r;

	for (i = 0; i < 40; i++) {
		snprintf(series, sizeof series, "1.5.%d", i % 3);
		snprintf(sop, sizeof sop, "1.5.%d.%d", i % 3, (i * 7 + w->number) % 20);
		if (i % 10 == 9) {
			r = store_delete(w->st, &scope, NULL, &err);
			if (r < 0 && r != -ENOENT)
				w->failed++;
		} else {
			struct sample s = sample("1.5", series, sop);

			s.fill = i + w->number;
			if (ingest(w->st, &s, INGEST_SAME_REPLACE, NULL, &result, &err) < 0)
				w->failed++;
		}
	}
	return NULL;
}

static void
writers_and_deleters_of_two_processes_leave_a_store_that_checks(void **state)
{
	struct fixture *f = *state;
	struct worker w[4];
	pthread_t t[4];
	struct store *other;
	struct err err = { 0 };
	int i;

	assert_int_equal(store_open(f->dir, NULL, &other, &err), 0);
	for (i = 0; i < 4; i++) {
		w[i] = (struct worker){ i % 2 ? other : f->st, i, 0 };
		pthread_create(&t[i], NULL, work, &w[i]);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(w[i].failed, 0);
	}
	store_close(other);
	expect_clean(f);
}

static void
a_scan_of_headers_is_bounded_and_tells(void **state)
{
	struct search_term sixteen = { .tag = TAG_BITS_ALLOCATED, .value = "16" };
	struct search_term eight = { .tag = TAG_BITS_ALLOCATED, .value = "8" };
	struct search_report report;
	struct fixture *f = *state;
	struct search q = { .level = STORE_STUDY, .terms = &eight, .n_terms = 1, .scan = true, .report = &report };

	/* an attribute of instances, so no row of a study tells of it */
	put(f, sample("1.1", "1.1.1", "1.1.1.1"));
	put(f, sample("1.2", "1.2.1", "1.2.1.1"));
	put(f, sample("1.3", "1.3.1", "1.3.1.1"));
	assert_string_equal(search_for(f, q, TAG_STUDY_INSTANCE_UID), "\"1.3\" \"1.2\" \"1.1\" ");
	assert_int_equal(report.headers, 3);
	assert_false(report.cut);
	assert_int_equal(report.total, 3);
	q.scan_max = 2;
	assert_string_equal(search_for(f, q, TAG_STUDY_INSTANCE_UID), "\"1.3\" \"1.2\" ");
	assert_int_equal(report.headers, 2);
	assert_true(report.cut);
	assert_true(report.total == UINT64_MAX);
	q.terms = &sixteen;
	assert_string_equal(search_for(f, q, TAG_STUDY_INSTANCE_UID), "");
	assert_true(report.cut);
	/* a page that is full needs no more headers */
	q.terms = &eight;
	q.scan_max = 3;
	q.limit = 1;
	assert_string_equal(search_for(f, q, TAG_STUDY_INSTANCE_UID), "\"1.3\" ");
	assert_int_equal(report.headers, 1);
	assert_false(report.cut);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_instance_stored_is_found_and_its_bytes_come_back),
		TEST(each_level_has_its_own_attributes),
		TEST(a_study_has_values_that_no_file_has_until_it_goes),
		TEST(matches_are_nodes_and_a_search_goes_on_where_it_ended),
		TEST(the_same_instance_again_is_kept_refused_or_replaced_as_asked),
		TEST(what_is_refused_leaves_nothing),
		TEST(a_modality_stays_searchable_while_any_spelling_of_it_is_left),
		TEST(searches_match_values_ranges_words_and_modalities),
		TEST(instances_come_by_watermark_when_one_was_replaced),
		TEST(more_matches_than_are_held_at_once_come_in_parts_and_cannot_be_sorted),
		TEST(the_latest_value_stands_for_a_study_and_an_empty_one_does_not),
		TEST(what_is_in_no_row_comes_from_the_header_of_the_latest),
		TEST(terms_that_make_no_sense_are_refused),
		TEST(delete_takes_an_instance_a_series_a_study),
		TEST(delete_of_a_version_leaves_the_one_that_took_its_place),
		TEST(partitions_do_not_see_each_other),
		TEST(a_scan_gives_every_instance_of_its_scope_once),
		TEST(check_looks_into_every_partition_however_many_there_are),
		TEST(a_scan_tells_that_it_met_what_its_totals_did_not_count),
		TEST(a_file_changed_behind_the_store_is_stale_and_check_finds_and_repairs_it),
		TEST(rebuild_makes_the_index_again_from_the_files),
		TEST(an_observer_is_told_of_each_change_before_the_writer_is),
		TEST(writers_and_deleters_of_two_processes_leave_a_store_that_checks),
		TEST(a_scan_of_headers_is_bounded_and_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
