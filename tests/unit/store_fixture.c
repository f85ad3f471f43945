#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/external.h"

int
store_fixture_setup(void **state)
{
	struct store_fixture *f = calloc(1, sizeof *f);
	struct err err = { 0 };

	*state = f;
	if (scratch_store(f->dir, "store", "ws", "svc", &f->st, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

int
store_fixture_teardown(void **state)
{
	struct store_fixture *f = *state;
	int r;

	store_close(f->st);
	r = scratch_remove(f->dir);
	free(f);
	return r;
}

struct sample
sample(const char *study, const char *series, const char *sop)
{
	return (struct sample){ .study_uid = study, .series_uid = series, .sop_uid = sop, .patient_id = "P1",
		.patient_name = "Doe^John", .study_date = "20240115", .modality = "CT", .description = "Head",
		.pixels = 100, .fill = 7 };
}

int
ingest(struct store *st, const struct sample *s, enum ingest_same same, const char *partition,
       struct ingest_result *result, struct err *err)
{
	struct ingest_options o = { .partition = partition, .same = same };

	return ingest_sample(st, s, &o, result, err);
}

uint64_t
put_sample(struct store *st, struct sample s)
{
	struct ingest_result result;
	struct err err = { 0 };

	if (ingest(st, &s, INGEST_SAME_REPLACE, NULL, &result, &err) < 0)
		fail_msg("%s", err_text(&err));
	return result.id;
}

int
append(void *ctx, struct slice dataset)
{
	struct buf *b = ctx;

	if (b->len > 0)
		buf_putc(b, ' ');
	return buf_put(b, dataset.data, dataset.len);
}

const char *
search_for(struct store *st, struct search s, uint32_t tag)
{
	static char text[4000];
	struct err err = { 0 };
	struct buf b;
	char *out = text;
	const char *p;

	buf_init(&b, 1 << 20);
	s.tags = &tag;
	s.n_tags = 1;
	if (store_search(st, &s, append, &b, &err) < 0)
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

static int
note_external(void *ctx, const struct external_value *v)
{
	buf_printf(ctx, "%08x %c%c %s;", (unsigned)v->tag, v->vr >> 8, v->vr & 0xff, v->text);
	return 0;
}

const char *
externals_of(struct store *st, uint64_t study)
{
	static char text[400];
	struct err err = { 0 };
	struct buf b;

	buf_init(&b, sizeof text - 1);
	assert_int_equal(store_get_external(st, study, note_external, &b, &err), 0);
	snprintf(text, sizeof text, "%s", b.data != NULL ? b.data : "");
	buf_fini(&b);
	return text;
}
