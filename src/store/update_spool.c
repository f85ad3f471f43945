/* What a study's swap will need to know of its staged files. */
#include "store/update_run.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "catalog/codec.h"

int
update_spool_open(struct run *w)
{
	char name[BLOB_STAGE_MAX];
	uint64_t stage;
	int fd, r = stage_take(w->st, &stage);

	if (r < 0)
		return r;
	stage_name(name, stage, NULL);
	r = blob_stage_create(w->st->blobs, name, &fd);
	if (r < 0)
		return r;
	blob_stage_remove(w->st->blobs, name);
	w->spool = fdopen(fd, "w+");
	if (w->spool == NULL)
		close(fd);
	return w->spool == NULL ? -ENOMEM : 0;
}

int
update_spool_put(struct run *w, const struct staged *s)
{
	struct buf row;
	uint32_t len;
	int r;

	buf_reset(&w->record);
	buf_init(&row, 2u << 20);
	instance_row_put(&s->row, &row);
	put_u64(&w->record, s->instance);
	put_u64(&w->record, s->watermark);
	put_u64(&w->record, s->original_stage);
	put_long(&w->record, buf_slice(&row));
	put_long(&w->record, s->study_attributes);
	put_long(&w->record, s->series_attributes);
	put_long(&w->record, s->header);
	put_short(&w->record, slice_str(s->study_uid));
	put_short(&w->record, slice_str(s->series_uid));
	put_short(&w->record, slice_str(s->modality));
	r = buf_error(&row) < 0 ? buf_error(&row) : buf_error(&w->record);
	buf_fini(&row);
	if (r < 0)
		return r;
	len = (uint32_t)w->record.len;
	errno = EIO;
	return fwrite(&len, sizeof len, 1, w->spool) == 1 && fwrite(w->record.data, len, 1, w->spool) == 1 ? 0 : -errno;
}

/* 1, or 0 at its end.  What is lent lives until the next. */
int
update_spool_next(struct run *w, struct staged *s)
{
	struct reader in;
	struct slice row;
	uint32_t len;
	char *room;
	int r;

	if (fread(&len, sizeof len, 1, w->spool) != 1)
		return ferror(w->spool) ? -EIO : 0;
	buf_reset(&w->record);
	r = buf_reserve(&w->record, len, &room);
	if (r < 0)
		return r;
	if (fread(room, len, 1, w->spool) != 1)
		return -EIO;
	buf_grow(&w->record, len);
	reader_init(&in, buf_slice(&w->record));
	s->instance = get_u64(&in);
	s->watermark = get_u64(&in);
	s->original_stage = get_u64(&in);
	row = get_long(&in);
	s->study_attributes = get_long(&in);
	s->series_attributes = get_long(&in);
	s->header = get_long(&in);
	get_text(&in, s->study_uid, sizeof s->study_uid);
	get_text(&in, s->series_uid, sizeof s->series_uid);
	get_text(&in, s->modality, sizeof s->modality);
	r = in.bad ? -EIO : instance_row_get(row, &s->row);
	return r < 0 ? r : 1;
}

void
update_remove_stage(struct store *st, uint64_t stage)
{
	char name[BLOB_STAGE_MAX];

	if (stage == 0)
		return;
	stage_name(name, stage, NULL);
	blob_stage_remove(st->blobs, name);
}

/* Nothing is to come of what was staged. */
void
update_drop_staged(struct run *w)
{
	struct staged s;

	if (fflush(w->spool) != 0)
		log_warning("update: some staged files stay until the next start error=%s", strerror(errno));
	rewind(w->spool);
	while (update_spool_next(w, &s) > 0) {
		update_remove_stage(w->st, s.row.stage);
		update_remove_stage(w->st, s.original_stage);
	}
}
