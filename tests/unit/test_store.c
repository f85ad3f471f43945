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
#include <string.h>
#include <unistd.h>

#include "dicom/tag.h"
#include "store/external.h"
#include "store/store.h"
#include "tests/unit/store_fixture.h"

static void
an_instance_stored_is_found_and_its_bytes_come_back(void **state)
{
	struct store_fixture *f = *state;
	struct sample s = sample("1.2", "1.2.3", "1.2.3.4");
	unsigned char bytes[SAMPLE_MAX + 100], got[SAMPLE_MAX + 100];
	struct store_file *file;
	struct store_node n;
	struct err err = { 0 };
	size_t len = make_dicom(&s, bytes);
	uint64_t id = put_sample(f->st, s);

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
	assert_true(store_is_clean(f->st));
}

static const char *
attributes_of(struct store_fixture *f, uint64_t id)
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

/* What nobody waits for is described by the committer, as long as it has time: the index knows the same of it. */
static void
what_is_described_later_is_described_as_well(void **state)
{
	const struct ingest_options o = { .survive_kill = true, .same = INGEST_SAME_REPLACE };
	struct store_fixture *f = *state;
	char like[8192], want[8192], sop[64] = "1.2.3.9999";
	struct sample s = sample("1.2", "1.2.3", sop);
	uint64_t id = put_sample(f->st, s);
	struct ingest_result result;
	struct store_node one, n;
	struct ticket *ticket;
	struct err err = { 0 };
	char *rest;
	unsigned i;
	enum { MANY = 700 };	/* more than it describes at a time */

	for (i = 0; i < MANY; i++) {
		snprintf(sop, sizeof sop, "1.2.3.%u", i + 1);
		assert_int_equal(accept_sample(f->st, &s, &o, &result, &ticket, &err), 0);
		assert_string_equal(result.identity.sop_uid, sop);
		ticket_free(ticket);
	}
	assert_int_equal(store_sync(f->st), 0);
	strcpy(like, attributes_of(f, id));
	rest = strstr(like, "1.2.3.9999");
	assert_non_null(rest);
	*rest = '\0';
	rest += strlen("1.2.3.9999");
	assert_int_equal(store_get_node(f->st, id, &one), 0);
	assert_int_equal(store_get_node(f->st, one.parent, &n), 0);
	assert_int_equal(n.count, MANY + 1);
	for (i = 0; i < MANY; i++) {
		snprintf(sop, sizeof sop, "1.2.3.%u", i + 1);
		snprintf(want, sizeof want, "%s%s%s", like, sop, rest);
		assert_int_equal(store_lookup(f->st, one.parent, sop, &n), 0);
		assert_string_equal(attributes_of(f, n.id), want);
	}
	assert_true(store_is_clean(f->st));
}

static void
each_level_has_its_own_attributes(void **state)
{
	struct store_fixture *f = *state;
	struct sample s = sample("1.2", "1.2.3", "1.2.3.4");
	struct store_node n, series;
	struct err err = { 0 };
	uint64_t id = put_sample(f->st, s), watermark;
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

static void
the_same_instance_again_is_kept_refused_or_replaced_as_asked(void **state)
{
	struct store_fixture *f = *state;
	struct sample s = sample("1.2", "1.2.3", "1.2.3.4"), other = s;
	struct ingest_result result;
	struct store_node n;
	struct err err = { 0 };
	uint64_t id = put_sample(f->st, s);

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
	assert_true(store_is_clean(f->st));
}

static void
what_is_refused_leaves_nothing(void **state)
{
	struct store_fixture *f = *state;
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
	assert_true(store_is_clean(f->st));
}

static void
delete_takes_an_instance_a_series_a_study(void **state)
{
	struct store_fixture *f = *state;
	struct store_scope scope = { .study_uid = "1.1", .series_uid = "1.1.1", .sop_uid = "1.1.1.1" };
	struct search q = { .level = STORE_INSTANCE };
	struct store_status status;
	struct err err = { 0 };
	uint64_t n;

	put_sample(f->st, sample("1.1", "1.1.1", "1.1.1.1"));
	put_sample(f->st, sample("1.1", "1.1.1", "1.1.1.2"));
	put_sample(f->st, sample("1.1", "1.1.2", "1.1.2.1"));
	put_sample(f->st, sample("1.2", "1.2.1", "1.2.1.1"));
	assert_int_equal(store_delete(f->st, &scope, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_delete(f->st, &scope, &n, &err), -ENOENT);
	assert_string_equal(search_for(f->st, q, TAG_SOP_INSTANCE_UID), "\"1.2.1.1\" \"1.1.2.1\" \"1.1.1.2\" ");
	assert_true(store_is_clean(f->st));
	scope.sop_uid = NULL;
	assert_int_equal(store_delete(f->st, &scope, &n, &err), 0);
	q.level = STORE_SERIES;
	assert_string_equal(search_for(f->st, q, TAG_SERIES_INSTANCE_UID), "\"1.2.1\" \"1.1.2\" ");
	assert_true(store_is_clean(f->st));
	scope.series_uid = NULL;
	assert_int_equal(store_delete(f->st, &scope, &n, &err), 0);
	assert_int_equal(store_get_status(f->st, &status, &err), 0);
	assert_int_equal(status.studies, 1);
	assert_int_equal(status.instances, 1);
	assert_int_equal(status.pending, 0);
	assert_true(store_is_clean(f->st));
	put_sample(f->st, sample("1.1", "1.1.1", "1.1.1.1"));
	assert_true(store_is_clean(f->st));
}

static void
delete_of_a_version_leaves_the_one_that_took_its_place(void **state)
{
	struct store_fixture *f = *state;
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
	assert_true(store_is_clean(f->st));
}

static void
partitions_do_not_see_each_other(void **state)
{
	struct store_fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct search q = { .level = STORE_STUDY };
	struct ingest_result result;
	struct err err = { 0 };

	put_sample(f->st, s);
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REFUSE, "clinicA", &result, &err), 0);
	s.study_uid = "1.9";
	assert_int_equal(ingest(f->st, &s, INGEST_SAME_REFUSE, "CLINICa", &result, &err), 0);
	q.partition = "clinicA";
	assert_string_equal(search_for(f->st, q, TAG_STUDY_INSTANCE_UID), "\"1.9\" \"1.1\" ");
	q.partition = NULL;
	assert_string_equal(search_for(f->st, q, TAG_STUDY_INSTANCE_UID), "\"1.1\" ");
	assert_true(store_is_clean(f->st));
}

static void
a_scan_gives_every_instance_of_its_scope_once(void **state)
{
	struct store_fixture *f = *state;
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
		put_sample(f->st, sample("1.1", i % 2 ? "1.1.2" : "1.1.1", sop));
	}
	put_sample(f->st, sample("1.2", "1.2.1", "1.2.1.1"));
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
	struct store_fixture *f = *state;
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
	struct store_fixture *f = *state;
	struct store_scope scope = { .study_uid = "1.1" };
	struct scope_totals totals;
	struct store_scan *scan;
	struct err err = { 0 };
	struct buf json;

	put_sample(f->st, sample("1.1", "1.1.1", "1.1.1.1"));
	put_sample(f->st, sample("1.1", "1.1.1", "1.1.1.2"));
	buf_init(&json, 1 << 24);
	assert_int_equal(store_scan_open(f->st, &scope, &scan, &totals, &err), 0);
	assert_int_equal(store_scan_metadata(scan, &json, 1 << 20, NULL, NULL, &err), 0);
	assert_true(store_scan_newest(scan) == totals.max_watermark);
	store_scan_close(scan);
	assert_int_equal(store_scan_open(f->st, &scope, &scan, &totals, &err), 0);
	put_sample(f->st, sample("1.1", "1.1.1", "1.1.1.3"));
	assert_int_equal(store_scan_metadata(scan, &json, 1 << 20, NULL, NULL, &err), 0);
	assert_true(store_scan_newest(scan) > totals.max_watermark);
	store_scan_close(scan);
	buf_fini(&json);
}

static void
a_file_changed_behind_the_store_is_stale_and_check_finds_and_repairs_it(void **state)
{
	struct store_fixture *f = *state;
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct check_options o = { 0 };
	struct check_totals totals;
	struct store_file *file;
	struct err err = { 0 };
	uint64_t id = put_sample(f->st, s), gone;
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
	gone = put_sample(f->st, s);
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
	assert_true(store_is_clean(f->st));
	assert_int_equal(store_open_file(f->st, id, &file, &err), 0);
	store_file_close(file);
	assert_string_equal(search_for(f->st, (struct search){ .level = STORE_INSTANCE }, TAG_SOP_INSTANCE_UID),
			    "\"1.1.1.3\" \"1.1.1.1\" ");
}

static void
rebuild_makes_the_index_again_from_the_files(void **state)
{
	struct store_fixture *f = *state;
	struct check_totals totals;
	struct err err = { 0 };
	struct ingest_result result;
	struct sample s = sample("1.2", "1.2.1", "1.2.1.1");
	const struct external_value values[] = {
		{ 0x00191100, VR('L', 'O'), "a" }, { 0x00191101, VR('U', 'S'), "7" },
	};
	struct store_node n;

	put_sample(f->st, sample("1.1", "1.1.1", "1.1.1.1"));
	put_sample(f->st, sample("1.1", "1.1.1", "1.1.1.2"));
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
	assert_string_equal(search_for(f->st, (struct search){ .level = STORE_STUDY, .partition = "clinicA" },
				       TAG_STUDY_INSTANCE_UID), "\"1.2\" ");
	assert_int_equal(store_find_partition(f->st, "clinicA", &n), 0);
	assert_int_equal(store_lookup(f->st, n.id, "1.2", &n), 0);
	assert_string_equal(externals_of(f->st, n.id), "00191100 LO a;00191101 US 7;");
	assert_true(store_is_clean(f->st));
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
	struct store_fixture *f = *state;
	struct seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct sample s = sample("1.1", "1.1.1", "1.1.1.1");
	struct store_scope scope = { .study_uid = "1.1" };
	struct store *other;
	struct err err = { 0 };
	int i;

	put_sample(f->st, sample("1.0", "1.0.0", "1.0.0.0"));
	assert_int_equal(store_observe(f->st, note, &seen), 0);
	put_sample(f->st, s);
	s.fill = 1;
	put_sample(f->st, s);
	assert_int_equal(store_delete(f->st, &scope, NULL, &err), 0);
	pthread_mutex_lock(&seen.lock);
	assert_string_equal(seen.text, "1:1.1.1.1+ 2:1.1.1.1 3:1.1.1.1- ");
	seen.text[0] = '\0';
	pthread_mutex_unlock(&seen.lock);
	/* What another process does is seen, too: here another open of the same store. */
	assert_int_equal(store_open(f->dir, NULL, &other, &err), 0);
	put_sample(other, s);
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
	struct store_fixture *f = *state;
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
	assert_true(store_is_clean(f->st));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, store_fixture_setup, store_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_instance_stored_is_found_and_its_bytes_come_back),
		TEST(what_is_described_later_is_described_as_well),
		TEST(each_level_has_its_own_attributes),
		TEST(the_same_instance_again_is_kept_refused_or_replaced_as_asked),
		TEST(what_is_refused_leaves_nothing),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
