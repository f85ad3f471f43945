/* (1) of tier_move.c: copies, aside. */
#include "store/tier_mover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

/* Up to this many copies are synced one by one. */
#define SYNC_EACH_MAX 4

void
tier_failed(struct mover *m, const struct instance_info *info, const char *why)
{
	m->cursor.failed++;
	if (m->why[0] != '\0')
		return;			/* there may be many, for the same reason */
	snprintf(m->why, sizeof m->why, "%s", why);
	log_warning("tier sop=%s state=failed error=\"%s\"", info->sop_uid, why);
}

/* Others were at it at the same moment: it may go well in the next. */
void
tier_busy(struct mover *m, const struct instance_info *info, const char *why)
{
	m->again = true;
	if (m->last_try)
		tier_failed(m, info, why);
}

static void
close_slot(struct mover *m, struct slot *s)
{
	if (s->copy >= 0)
		close(s->copy);
	s->copy = -1;
	if (!s->placed && s->stage[0] != '\0')
		blob_tier_forget(m->st->blobs, s->to, s->stage);
	else if (s->placed && !s->led && s->to == STORE_HOT)
		blob_stage_remove(m->st->blobs, s->stage);
	else if (s->placed && !s->led)
		blob_tier_drop(m->st->blobs, s->name);
}

void
tier_close_page(struct mover *m)
{
	while (m->n > 0)
		close_slot(m, &m->slots[--m->n]);
	m->bytes = 0;
}

/* Its names, and where it is.  -ENOENT: it is gone. */
static int
find(struct mover *m, struct slot *s)
{
	struct catalog_rows rows;
	struct catalog_path p;
	struct kv_txn *txn;
	int r = kv_begin(m->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_instance_rows(txn, s->info.id, &p, &rows);
	if (r == 0 && rows.instance.watermark != s->info.watermark)
		r = -EBUSY;		/* another version by now */
	if (r == 0)
		instance_names(&rows, s->name, s->own_stage);
	kv_abort(txn);
	return r;
}

/* Has it its name yet? */
bool
tier_is_staged(struct mover *m, const struct slot *s)
{
	int fd;

	if (blob_stage_open(m->st->blobs, s->own_stage, &fd) < 0)
		return false;
	close(fd);
	return true;
}

/* 1: the slot is taken; 0: nothing is to be done, or it was said why not; or what ends the step. */
int
tier_copy_one(struct mover *m, const struct instance_info *info, enum store_tier to, struct err *err)
{
	struct slot *s = &m->slots[m->n];
	struct store_file *f = NULL;
	struct err why = { 0 };
	uint64_t stage;
	int r;

	*s = (struct slot){ .info = *info, .to = to, .copy = -1 };
	r = find(m, s);
	if (r == -EBUSY) {
		tier_busy(m, info, "it is being replaced");
		return 0;
	}
	if (r < 0)
		return r == -ENOENT ? 0 : err_set(err, r, "cannot read the index: %s", strerror(-r));
	r = open_bytes(m->st, info->id, false, &f, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		tier_failed(m, info, err_text(&why));
		return 0;
	}
	r = store_file_info(f)->watermark != info->watermark || tier_is_staged(m, s) ? -EBUSY : blob_tier(m->st->blobs, s->name, &s->at);
	if (r == 0 && s->at == (unsigned)to) {
		s->led = true;		/* and then we were killed */
	} else if (r == 0) {
		r = stage_take(m->st, &stage);
		if (r == 0)
			stage_name(s->stage, stage, NULL);
		if (r == 0)
			r = blob_tier_copy(m->st->blobs, store_file_fd(f), to, s->stage, m->stop, &s->copy);
		if (r < 0)
			s->stage[0] = '\0';
	}
	store_file_close(f);
	if (r == 0) {
		m->n++;
		m->bytes += s->led ? 0 : info->size;
		step(STEP_TIER_COPIED);
		return 1;
	}
	if (r == -ECANCELED)
		return r;
	if (r == -EBUSY || r == -ENOENT) {
		tier_busy(m, info, "it is still being stored");
		return 0;
	}
	if (r == -EIO || r == -ELOOP) {
		tier_failed(m, info, strerror(-r));
		return 0;
	}
	return err_set(err, r, "cannot write to the tier %s: %s", store_tier_name(to), strerror(-r));
}

int
tier_sync_copies(struct mover *m)
{
	size_t i, n[STORE_TIERS] = { 0 };

	for (i = 0; i < m->n; i++)
		n[m->slots[i].to] += m->slots[i].copy >= 0;
	for (i = 0; i < m->n; i++) {
		const struct slot *s = &m->slots[i];

		if (s->copy < 0 || n[s->to] == 0)
			continue;
		if (n[s->to] <= SYNC_EACH_MAX ? fsync(s->copy) < 0 : syncfs(s->copy) < 0)
			return -errno;
		if (n[s->to] > SYNC_EACH_MAX)
			n[s->to] = 0;	/* all of them */
	}
	return 0;
}

/* 0: it is what the row has; -EBADMSG. */
static int
verify(struct mover *m, const struct slot *s)
{
	unsigned char hash[HASH_LEN];
	struct stat sb;
	uint64_t off = 0;
	ssize_t n;

	if (fstat(s->copy, &sb) < 0)
		return -errno;
	if ((uint64_t)sb.st_size != s->info.size)
		return -EBADMSG;
	/* Not what is in memory. */
	posix_fadvise(s->copy, 0, 0, POSIX_FADV_DONTNEED);
	fcntl(s->copy, F_SETFL, O_NOATIME);
	hash_stream_reset(m->hash);
	while ((n = io_pread_all(s->copy, m->chunk, TIER_CHUNK, off)) > 0) {
		hash_stream_add(m->hash, m->chunk, (size_t)n);
		off += (uint64_t)n;
	}
	if (n < 0)
		return (int)n;
	hash_stream_get(m->hash, hash);
	if (off != s->info.size || memcmp(hash, s->info.hash, HASH_LEN) != 0)
		return -EBADMSG;
	return clock_ns(sb.st_mtim) == s->info.mtime ? 0 : -ERANGE;
}

int
tier_verify_copies(struct mover *m)
{
	size_t i, kept = 0;
	int r;

	for (i = 0; i < m->n; i++) {
		struct slot *s = &m->slots[i];

		if (m->stop != NULL && atomic_load(m->stop))
			return -ECANCELED;
		r = s->copy >= 0 ? verify(m, s) : 0;
		if (r < 0) {
			tier_failed(m, &s->info, r == -EBADMSG ? "its bytes are not those that were stored" :
			       r == -ERANGE ? "the file system of the tier does not keep its time" : strerror(-r));
			close_slot(m, s);
			s->name[0] = '\0';
		}
	}
	for (i = 0; i < m->n; i++)
		if (m->slots[i].name[0] != '\0')
			m->slots[kept++] = m->slots[i];
	m->n = kept;
	return 0;
}
