#include "web/stow_results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "dicom/tag.h"
#include "web/limits.h"

/* 4 UIDs and a comment a part, at the worst. */
#define TEXT_MAX ((size_t)LIMIT_PARTS * 640)

void
stow_results_init(struct stow_results *res)
{
	*res = (struct stow_results){ 0 };
	buf_init(&res->text, TEXT_MAX < UINT32_MAX ? TEXT_MAX : UINT32_MAX);
	buf_putc(&res->text, '\0');	/* offset 0 is "" */
}

void
stow_results_fini(struct stow_results *res)
{
	free(res->rows);
	buf_fini(&res->text);
}

int
stow_results_add(struct stow_results *res, size_t *ret_index, struct err *err)
{
	if (res->count == LIMIT_PARTS)
		return err_set(err, -EFBIG, "The request has more than %d parts", LIMIT_PARTS);
	if (vec_room(&res->rows, &res->cap, res->count, sizeof *res->rows, 16) < 0)
		return -ENOMEM;
	res->rows[res->count] = (struct stow_row){ 0 };
	*ret_index = res->count++;
	return 0;
}

const char *
stow_results_text(const struct stow_results *res, uint32_t offset)
{
	return res->text.data == NULL ? "" : res->text.data + offset;
}

static uint32_t
keep(struct stow_results *res, const char *s, uint32_t *last)
{
	uint32_t at;

	if (*s == '\0' || buf_error(&res->text) != 0)
		return 0;
	if (last != NULL && strcmp(stow_results_text(res, *last), s) == 0)
		return *last;
	at = (uint32_t)res->text.len;
	if (buf_put(&res->text, s, strlen(s) + 1) < 0)
		return 0;
	if (last != NULL)
		*last = at;
	return at;
}

static void
keep_identity(struct stow_results *res, struct stow_row *row, const struct dicom_identity *id)
{
	row->study = keep(res, id->study_uid, &res->last[0]);
	row->series = keep(res, id->series_uid, &res->last[1]);
	row->sop = keep(res, id->sop_uid, &res->last[2]);
	row->class = keep(res, id->class_uid, &res->last[3]);
}

/* Contract 2.8: the one error number there is. */
static uint32_t
keep_comment(struct stow_results *res, const struct err *err)
{
	char comment[sizeof err->text + 48];
	const char *text = err_text(err), *after;

	/* What cannot be read as a file has a reason and nothing else (contract 2.5). */
	if (err->tag == 0 || err->num != -EINVAL)
		return 0;
	/* The sentence names the attribute in its own way. */
	after = *text == '(' ? strstr(text, ": ") : NULL;
	if (after != NULL)
		text = after + 2;
	snprintf(comment, sizeof comment, "DICOM100: (%04x,%04x) - %s", TAG_GROUP(err->tag),
		 TAG_ELEMENT(err->tag), text);
	return keep(res, comment, NULL);
}

static uint16_t
failure_reason(const struct err *err)
{
	if (err->reason != 0)
		return err->reason;
	switch (err->num) {
	case -EBADMSG:
	case -EFBIG:
	case -EINVAL:
		return REASON_INVALID;
	case -EEXIST:
		return REASON_EXISTS;
	default:
		return REASON_PROCESSING;
	}
}

int
stow_results_set(struct stow_results *res, size_t index, const struct ingest_result *result,
		 const struct err *err)
{
	struct stow_row *row = &res->rows[index];

	keep_identity(res, row, &result->identity);
	if (err != NULL) {
		row->failure = failure_reason(err);
		row->comment = keep_comment(res, err);
		res->failed++;
	} else {
		row->warning = result->warning_reason;
		row->id = result->id;
		row->created = result->outcome == INGEST_CREATED;
		res->warned += row->warning != 0;
	}
	return buf_error(&res->text);
}
