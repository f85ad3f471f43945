/* What close() does.
 *
 * The flush that each close() sends has what was written accepted: an error
 * there reaches the program.  A flush is not the last one for sure (dup,
 * fork), so a refused file is kept and tried again when it has changed,
 * until its last release; only then is it reported as refused.  In the import-container the
 * error does not reach the program: import.h.
 */
#include "fs/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fs/import.h"
#include "fs/notify.h"

/* -- accepting ------------------------------------------------------------ */

/* What close() says. */
static int
close_errno(int r)
{
	switch (r) {
	case -EBADMSG:			/* not DICOM, or broken */
	case -EEXIST:
		return -EINVAL;
	case -ESTALE:
		return -EIO;
	default:
		return r;
	}
}

/* It is the file that is not wanted; else something else has gone wrong. */
static bool
is_refusal(int r)
{
	return r == -EBADMSG || r == -EINVAL || r == -EFBIG || r == -EEXIST;
}

/* The file was refused: there is nothing in it. */
static void
set_error_locked(struct node *n, const struct err *err)
{
	free(n->u.file.error);
	n->u.file.error = strdup(err_text(err));
	n->size = 0;
}

/* What notify_plan_locked counted is done with. */
static void
count_settled_locked(struct fs *fs, const uint64_t dirs[3])
{
	struct node *n;
	size_t i;

	for (i = 0; i < 3; i++) {
		n = node_find_locked(fs->nodes, dirs[i]);
		if (n != NULL && n->kind == NODE_CATALOG && n->u.catalog.unsettled > 0) {
			n->u.catalog.unsettled--;
			node_review_locked(fs->nodes, n);
		}
	}
}

/* The outcome of an accept: remembered for the file, shown to the kernel. */
static void
accepted(struct fs *fs, struct handle *h, struct ticket *ticket, const struct ingest_result *result,
	 uint64_t *ret_series)
{
	struct node *partition, *n = h->file;
	char path[STORE_IMPORT_PATH_MAX + 1] = "";
	uint64_t size = 0;
	struct pending *p, *old = NULL;
	uint64_t dirs[3] = { 0, 0, 0 }, id = 0, listing;
	bool more;

	nodes_lock(fs->nodes);
	if (n != NULL) {
		partition = alias_top_locked(n);
		if (partition != NULL && partition->id == TREE_IMPORT) {
			import_path_locked(n, path);
			size = n->size;
			partition = node_child_locked(fs->nodes, TREE_SERVICE, STORE_DEFAULT_PARTITION);
		}
		free(n->u.file.error);
		free(n->u.file.kept);
		n->u.file.error = n->u.file.kept = NULL;
		node_set_instance_locked(fs->nodes, n, 0, 0);
	} else
		partition = node_child_locked(fs->nodes, TREE_SERVICE, h->partition);
	notify_plan_locked(fs, partition, result, dirs);
	*ret_series = dirs[2];
	if (partition != NULL && partition->kind == NODE_CATALOG)
		id = partition->id;
	p = settler_add(fs->settler, ticket, n != NULL ? n->id : 0,
			n != NULL ? ++n->u.file.generation : 0, dirs);
	if (n != NULL) {
		old = n->u.file.pending;
		n->u.file.pending = pending_ref(p);
	}
	if (p == NULL)		/* no memory: nobody will hear of it */
		count_settled_locked(fs, dirs);
	pending_unref(h->pending);
	h->pending = p;
	nodes_unlock(fs->nodes);
	pending_unref(old);

	if (path[0] != '\0')
		store_record_import(fs->st, path, size);
	notify_ingested(fs, id, dirs);
	do {
		nodes_lock(fs->nodes);
		more = n != NULL && n->named && alias_use_next_locked(fs->nodes, n, &listing);
		nodes_unlock(fs->nodes);
		if (more)
			notify_dir(fs, listing, true);
	} while (more);
}

/* 1 accepted now, 0 nothing new, or -errno.  *ret_series: its directory, when
 * the kernel may know an older instance there; 0. */
static int
accept_handle(struct fs *fs, struct handle *h, struct ingest_result *result, uint64_t *ret_series,
	      struct err *err)
{
	static const struct ingest_options plain = {
		.rules = VALIDATE_PLAIN, .same = INGEST_SAME_REPLACE, .survive_kill = true,
	};
	struct ingest_options options = plain;
	char partition[STORE_NAME_MAX + 1];
	struct ticket *ticket;
	const struct node *n;
	int64_t mtime = -1;
	int r;

	*ret_series = 0;
	err_clear(err);
	snprintf(partition, sizeof partition, "%s", h->partition);
	if (h->file != NULL) {
		nodes_lock(fs->nodes);
		n = h->file->named ? alias_top_locked(h->file) : NULL;
		if (n != NULL) {
			h->imports = n->id == TREE_IMPORT;
			snprintf(partition, sizeof partition, "%s", h->imports ? STORE_DEFAULT_PARTITION : n->name);
			mtime = h->file->mtime;
		}
		nodes_unlock(fs->nodes);
		if (n == NULL)	/* removed while open */
			return 0;
	}
	if (h->imports)
		options = store_import_options;
	options.partition = partition;
	r = receive_accept(h->receive, &options, mtime, result, &ticket, err);
	if (r == 1) {
		accepted(fs, h, ticket, result, ret_series);
		log_debug("accept door=mount sop=%s study=%s", result->identity.sop_uid,
			  result->identity.study_uid);
	} else if (r < 0)
		log_debug("accept door=mount result=%d reason=%u error=\"%s\"", r, err->reason, err_text(err));
	return r;
}

void
close_settled(void *ctx, struct pending *p, const struct settled *s)
{
	struct fs *fs = ctx;
	char name[TREE_NAME_MAX + 1] = "";
	struct pending *old = NULL;
	bool imports = false;
	struct node *n;

	store_log_about(fs->st);
	nodes_lock(fs->nodes);
	count_settled_locked(fs, s->dirs);
	n = node_find_locked(fs->nodes, s->node);
	if (n != NULL && n->kind == NODE_FILE && n->u.file.pending == p) {
		old = p;
		n->u.file.pending = NULL;
		snprintf(name, sizeof name, "%s", n->name);
		imports = is_refusal(s->num) && n->named && import_holds_locked(n);
		if (n->u.file.generation == s->generation) {
			if (s->num == 0)
				node_set_instance_locked(fs->nodes, n, s->result.id, s->result.watermark);
			else
				set_error_locked(n, &s->err);
		}
		node_review_locked(fs->nodes, n);
	}
	nodes_unlock(fs->nodes);
	pending_unref(old);
	if (imports) {
		log_warning("refused door=import sop=%s reason=%u error=\"%s\"", s->result.identity.sop_uid,
			    s->err.reason, err_text(&s->err));
		import_refuse_fd(fs, s->node, s->fd, &s->result, &s->err);
	} else if (s->num < 0) {
		/* close() has said that all is well, unless it waited for this. */
		log_error("store door=mount sop=%s error=\"%s\"", s->result.identity.sop_uid, err_text(&s->err));
		store_record_refusal(fs->st, "mount", name, &s->result, &s->err);
	}
}

/* -- flush, fsync, release ------------------------------------------------ */

static void
reply_settled(void *arg, int num)
{
	fuse_reply_err(arg, -close_errno(num));
}

/* Of a file in the import-container, where what is refused is no error of the program's. */
static void
reply_imported(void *arg, int num)
{
	reply_settled(arg, is_refusal(num) ? 0 : num);
}

static bool
reply_when_settled(fuse_req_t req, struct fs *fs, struct handle *h)
{
	struct pending *p;
	bool done;

	nodes_lock(fs->nodes);
	p = pending_ref(h->file != NULL && h->file->u.file.pending != NULL ? h->file->u.file.pending
									     : h->pending);
	nodes_unlock(fs->nodes);
	done = p != NULL && pending_on_settled(fs->settler, p, h->imports ? reply_imported : reply_settled, req) == 0;
	pending_unref(p);
	return done;
}

/* It may have replaced one that the kernel knows by its public name: answers req when that is gone. */
static void
notify_accepted(struct fs *fs, uint64_t series, const struct ingest_result *result, fuse_req_t req)
{
	char file[UID_TEXT_MAX + sizeof TREE_SUFFIX];

	snprintf(file, sizeof file, "%s%s", result->identity.sop_uid, TREE_SUFFIX);
	notify_entry(fs, series, file, req);
}

void
fs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_FLUSH, &ino);
	struct handle *h = handle_of(fi);
	struct ingest_result result;
	struct err err;
	uint64_t series;
	int r;

	if (!h->writes) {
		fuse_reply_err(req, 0);
		return;
	}
	r = accept_handle(fs, h, &result, &series, &err);
	if (r == 1 && fs->mount->options.sync && reply_when_settled(req, fs, h))
		return;		/* the observer has done the rest by then */
	if (r == 1 && series != 0) {
		notify_accepted(fs, series, &result, req);
		return;
	}
	if (h->imports && is_refusal(r)) {
		import_expect(fs, h);
		r = 0;
	}
	fuse_reply_err(req, r < 0 ? -close_errno(r) : 0);
}

void
fs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_FSYNC, &ino);
	struct handle *h = handle_of(fi);
	struct ingest_result result;
	struct err err;
	uint64_t series;
	int r;

	(void)datasync;
	if (!h->writes) {
		fuse_reply_err(req, 0);
		return;
	}
	r = accept_handle(fs, h, &result, &series, &err);
	if (r >= 0 && reply_when_settled(req, fs, h))
		return;		/* the observer has done the rest by then */
	/* Not a whole file yet: its bytes at least.  close() will judge it. */
	if (r == -EINVAL || r == -EBADMSG || r == -EFBIG || (h->imports && r == -EEXIST))
		r = receive_sync(h->receive);
	fuse_reply_err(req, r < 0 ? -close_errno(r) : 0);
}

/* The last writer of a refused file has gone. */
static void
refuse(struct fs *fs, struct handle *h, const struct ingest_result *result, const struct err *err)
{
	char name[TREE_NAME_MAX + 1] = "";
	struct node *n = h->file;
	uint64_t node = 0;

	/* The name may say who the patient is: only the queue has it. */
	log_warning("refused door=%s sop=%s reason=%u error=\"%s\"", h->imports ? "import" : "mount",
		    result->identity.sop_uid[0] != '\0' ? result->identity.sop_uid : "-", err->reason, err_text(err));
	if (h->imports) {
		import_refuse(fs, n, h->receive, result, err);
		return;
	}
	if (n != NULL) {
		nodes_lock(fs->nodes);
		snprintf(name, sizeof name, "%s", n->name);
		set_error_locked(n, err);
		node = n->id;
		nodes_unlock(fs->nodes);
	}
	store_record_refusal(fs->st, "mount", name, result, err);
	if (node != 0)
		fuse_lowlevel_notify_inval_inode(fs->mount->se, fs_outer(fs, node), 0, 0);
}

void
fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_RELEASE, &ino);
	struct handle *h = handle_of(fi);
	struct ingest_result result;
	struct err err;
	uint64_t series;
	bool last = true;
	int r;

	if (h->receive != NULL) {
		if (h->file != NULL) {
			nodes_lock(fs->nodes);
			h->leaving = true;
			last = ++h->file->u.file.leaving == h->file->u.file.opens;
			nodes_unlock(fs->nodes);
		}
		/* Also what was written after the last flush, by a mapping. */
		r = last ? accept_handle(fs, h, &result, &series, &err) : 0;
		if (r < 0)
			refuse(fs, h, &result, &err);
	}
	handle_free(fs, h);
	fuse_reply_err(req, 0);
}
