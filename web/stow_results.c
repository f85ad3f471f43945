#include "web/stow_results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "dicom/tag.h"
#include "web/reply.h"

/* 4 UIDs and a comment a part, at the worst. */
#define TEXT_MAX ((size_t)LIMIT_PARTS * 640)

/* ----------------------------------------------------------- keeping ---- */

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
	free(res->warnings);
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

static const char *
text_at(const struct stow_results *res, uint32_t offset)
{
	return res->text.data == NULL ? "" : res->text.data + offset;
}

static uint32_t
keep(struct stow_results *res, const char *s, uint32_t *last)
{
	uint32_t at;

	if (*s == '\0' || buf_error(&res->text) != 0)
		return 0;
	if (last != NULL && strcmp(text_at(res, *last), s) == 0)
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

/* ErrorComment (0000,0902): 100 is the one error number there is (contract 2.8). */
static void
print_comment(char *comment, size_t size, uint32_t tag, const char *why)
{
	snprintf(comment, size, "DICOM100: (%04x,%04x) - %s", TAG_GROUP(tag), TAG_ELEMENT(tag), why);
}

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
	print_comment(comment, sizeof comment, err->tag, text);
	return keep(res, comment, NULL);
}

int
stow_results_warn(struct stow_results *res, size_t index, const struct dicom_warnings *warnings)
{
	struct stow_row *row = &res->rows[index];
	size_t i;

	row->first_warning = (uint32_t)res->n_warnings;
	for (i = 0; i < warnings->n && res->n_warnings < LIMIT_WARNINGS; i++) {
		if (vec_room(&res->warnings, &res->cap_warnings, res->n_warnings, sizeof *res->warnings, 16) < 0)
			return -ENOMEM;
		res->warnings[res->n_warnings++] = warnings->at[i];
	}
	row->n_warnings = (uint32_t)i;
	return 0;
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
		row->watermark = result->watermark;
		row->created = result->outcome == INGEST_CREATED;
		res->warned += row->warning != 0;
		res->several |= result->several;
	}
	return buf_error(&res->text);
}

/* ---------------------------------------------------------- response ---- */

/* "tag":{"vr":..,"Value":[ -- which put_end closes. */
static void
put_begin(struct buf *out, const char *tag, const char *vr, bool *first)
{
	buf_printf(out, "%s\"%s\":{\"vr\":\"%s\",\"Value\":[", *first ? "" : ",", tag, vr);
	*first = false;
}

static void
put_end(struct buf *out)
{
	buf_puts(out, "]}");
}

static void
put_string(struct buf *out, const char *tag, const char *vr, const char *value, bool *first)
{
	if (*value == '\0')
		return;
	put_begin(out, tag, vr, first);
	buf_put_json_string(out, value, strlen(value));
	put_end(out);
}

static void
put_reason(struct buf *out, const char *tag, uint16_t reason, bool *first)
{
	if (reason == 0)
		return;
	put_begin(out, tag, "US", first);
	buf_printf(out, "%u", reason);
	put_end(out);
}

/* Made of checked UIDs and a checked host: nothing to escape. */
static void
put_url(const struct request *rq, const char *study_uid, const char *series_uid, const char *sop_uid,
	struct buf *out, bool *first)
{
	put_begin(out, "00081190", "UR", first);
	buf_putc(out, '"');
	request_put_url(rq, study_uid, series_uid, sop_uid, out);
	buf_putc(out, '"');
	put_end(out);
}

/* FailedAttributesSequence (0074,1048) */
static void
put_attributes(const struct stow_results *res, const struct stow_row *row, struct buf *out, bool *first)
{
	char comment[400];
	bool first_inside = true;
	uint32_t i;

	if (row->failure == 0 ? row->n_warnings == 0 : row->comment == 0) {
		buf_printf(out, "%s\"00741048\":{\"vr\":\"SQ\"}", *first ? "" : ",");
		*first = false;
		return;
	}
	put_begin(out, "00741048", "SQ", first);
	if (row->failure != 0) {
		buf_putc(out, '{');
		put_string(out, "00000902", "LO", text_at(res, row->comment), &first_inside);
		buf_putc(out, '}');
	}
	for (i = 0; row->failure == 0 && i < row->n_warnings; i++) {
		const struct dicom_warning *w = &res->warnings[row->first_warning + i];

		print_comment(comment, sizeof comment, w->tag, w->why);
		buf_puts(out, i > 0 ? ",{" : "{");
		first_inside = true;
		put_string(out, "00000902", "LO", comment, &first_inside);
		buf_putc(out, '}');
	}
	put_end(out);
}

static void
put_row(const struct stow_results *res, const struct request *rq, const struct stow_row *row, struct buf *out)
{
	bool first = true;

	buf_putc(out, '{');
	put_string(out, "00081150", "UI", text_at(res, row->class), &first);
	put_string(out, "00081155", "UI", text_at(res, row->sop), &first);
	put_reason(out, "00081197", row->failure, &first);
	if (row->failure == 0) {
		put_url(rq, text_at(res, row->study), text_at(res, row->series), text_at(res, row->sop), out, &first);
		put_reason(out, "00081196", row->warning, &first);
	}
	if (row->failure == 0 ? rq->dialect->attributes_always : row->comment != 0)
		put_attributes(res, row, out, &first);
	buf_putc(out, '}');
}

static int
write_sequence(const struct stow_results *res, struct request *rq, const char *tag, bool failed, bool *first,
	       struct buf *piece)
{
	bool any = false;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < res->count; i++) {
		const struct stow_row *row = &res->rows[i];

		if ((row->failure != 0) != failed)
			continue;
		buf_reset(piece);
		if (any)
			buf_putc(piece, ',');
		else
			put_begin(piece, tag, "SQ", first);
		put_row(res, rq, row, piece);
		any = true;
		r = buf_error(piece);
		if (r == 0)
			r = reply_write(rq, piece->data, piece->len);
	}
	return r == 0 && any ? reply_write(rq, "]}", 2) : r;
}

int
stow_results_send(const struct stow_results *res, struct request *rq)
{
	size_t stored = res->count - res->failed;
	bool first = true;
	struct buf piece;
	int status, r;

	status = stored == 0 ? 409 : res->failed > 0 ? 202 : res->warned > 0 ? rq->dialect->warned_status : 200;
	if (res->several)
		reply_warning(rq, "Only the first of several values of an attribute is indexed");
	if (reply_begin(rq, status, "application/dicom+json", REPLY_AUTO) != 0)
		return 0;
	/* An item with all the warnings there can be. */
	buf_init(&piece, (size_t)LIMIT_WARNINGS * 256 + LIMIT_REPLY_HEAD);
	buf_putc(&piece, '{');
	if (stored > 0 && rq->study_uid[0] != '\0')
		put_url(rq, rq->study_uid, NULL, NULL, &piece, &first);
	r = buf_error(&piece);
	if (r == 0)
		r = reply_write(rq, piece.data, piece.len);
	if (r == 0)
		r = write_sequence(res, rq, "00081198", true, &first, &piece);
	if (r == 0)
		r = write_sequence(res, rq, "00081199", false, &first, &piece);
	if (r == 0)
		r = reply_write(rq, "}", 1);
	buf_fini(&piece);
	return r < 0 ? r : reply_end(rq);
}
