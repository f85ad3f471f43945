/* Open files.
 *
 * Reading an instance goes to its backing file: through the kernel where
 * passthrough works, else by pread with the page cache kept.  Local names bypass
 * the page cache where the kernel can still map them: their bytes are in that of the
 * staging file already, and copying them twice costs a fifth of a `cp`.  Writing goes to a
 * receive (receive.h), until close() has it accepted (close.c).
 */
#include "fs/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "fs/import.h"
#include "fs/passthrough.h"
#include "fs/virtual.h"

/* -- handles -------------------------------------------------------------- */

struct handle *
handle_of(const struct fuse_file_info *fi)
{
	return fi != NULL ? (struct handle *)(uintptr_t)fi->fh : NULL;
}

static struct handle *
handle_new(struct fs *fs)
{
	struct handle *h = calloc(1, sizeof *h);

	if (h == NULL)
		return NULL;
	h->fd = -1;
	pthread_mutex_lock(&fs->handles_lock);
	h->next = fs->handles;
	if (h->next != NULL)
		h->next->prev = h;
	fs->handles = h;
	pthread_mutex_unlock(&fs->handles_lock);
	return h;
}

/* One opener less; the last one takes what is left of the receive. */
static struct receive *
leave_file_locked(struct fs *fs, struct node *n, bool leaving)
{
	struct receive *rc = NULL;

	if (leaving)
		n->u.file.leaving--;
	node_leave_file_locked(fs->nodes, n);
	if (n->u.file.opens == 0) {
		rc = n->u.file.receive;
		n->u.file.receive = NULL;
	}
	node_review_locked(fs->nodes, n);
	return rc;
}

void
handle_free(struct fs *fs, struct handle *h)
{
	struct receive *rc = NULL;

	import_expected(fs, h);
	pthread_mutex_lock(&fs->handles_lock);
	if (h->next != NULL)
		h->next->prev = h->prev;
	if (h->prev != NULL)
		h->prev->next = h->next;
	else
		fs->handles = h->next;
	pthread_mutex_unlock(&fs->handles_lock);
	if (h->file != NULL) {
		nodes_lock(fs->nodes);
		rc = leave_file_locked(fs, h->file, h->leaving);
		nodes_unlock(fs->nodes);
	} else
		rc = h->receive;
	receive_free(rc);
	pending_unref(h->pending);
	open_put(fs->opened, h->opened);
	stream_close(h->stream);
	if (h->fd >= 0)
		close(h->fd);
	free(h);
}

void
handles_free(struct fs *fs)
{
	while (fs->handles != NULL)
		handle_free(fs, fs->handles);
}

void
file_drop(struct node *file)
{
	receive_free(file->u.file.receive);
	pending_unref(file->u.file.pending);
}

static void
reply_open(fuse_req_t req, struct fs *fs, struct handle *h, struct fuse_file_info *fi)
{
	fi->fh = (uint64_t)(uintptr_t)h;
	if (fuse_reply_open(req, fi) != 0)
		handle_free(fs, h);
}

/* -- local files ---------------------------------------------------------- */

static void
forget_content_locked(struct fs *fs, struct node *n)
{
	node_set_instance_locked(fs->nodes, n, 0, 0);
	n->u.file.generation++;		/* what is being committed is not this file's any more */
	free(n->u.file.error);
	n->u.file.error = NULL;
	free(n->u.file.kept);
	n->u.file.kept = NULL;
	n->size = 0;
	n->mtime = clock_now();
}

/* The bytes behind an alias.  Called without the lock. */
static int
base_of(struct fs *fs, uint64_t instance, uint64_t watermark, struct receive *rc)
{
	struct store_file *file;
	struct err err;
	int r;

	err_clear(&err);
	r = store_open_file(fs->st, instance, &file, &err);
	if (r < 0) {
		if (r != -ENOENT)
			log_error("open door=mount instance=%llu error=\"%s\"", (unsigned long long)instance,
				  err_text(&err));
		return r == -ESTALE ? -EIO : r;
	}
	if (store_file_info(file)->watermark != watermark)
		r = -ENOENT;		/* replaced; the name is about to go */
	else
		r = receive_set_base(rc, file);
	store_file_close(file);
	return r;
}

void
file_wait_locked(struct fs *fs, struct node *file)
{
	struct pending *p = pending_ref(file->u.file.pending);

	if (p == NULL)
		return;
	nodes_unlock(fs->nodes);
	pending_wait(fs->settler, p);
	pending_unref(p);
	nodes_lock(fs->nodes);
}

/* Something to read and write, if there is none by then: what is stored, or nothing. */
static int
give_content_locked(struct fs *fs, struct node *n, bool empty)
{
	struct receive *rc = receive_new(fs->st, fs->mount->behind);
	uint64_t instance, watermark;
	int r = 0;

	if (rc == NULL)
		return -ENOMEM;
	if (!empty)
		file_wait_locked(fs, n);
	instance = n->u.file.instance;
	watermark = n->u.file.watermark;
	if (instance != 0 && !empty) {
		nodes_unlock(fs->nodes);
		r = base_of(fs, instance, watermark, rc);
		nodes_lock(fs->nodes);
	}
	if (r == 0 && n->u.file.receive == NULL) {
		n->u.file.receive = rc;
		return 0;
	}
	nodes_unlock(fs->nodes);
	receive_free(rc);
	nodes_lock(fs->nodes);
	return r;
}

/* Count one opener of a file, with something to read and write.  Called and
 * left with the lock held; lets go of it meanwhile. */
static int
enter_file_locked(struct fs *fs, struct node *n, int flags)
{
	bool truncate = (flags & O_TRUNC) != 0;
	struct receive *rc;
	int r = 0;

	if (n->u.file.error != NULL && !truncate)
		return -ENODATA;	/* refused: there is nothing */
	n->u.file.opens++;
	node_review_locked(fs->nodes, n);	/* not idle: its name stays */
	if (n->u.file.receive == NULL)
		r = give_content_locked(fs, n, truncate);
	if (r == 0 && truncate) {
		rc = n->u.file.receive;
		forget_content_locked(fs, n);
		nodes_unlock(fs->nodes);
		r = receive_truncate(rc, 0);
		nodes_lock(fs->nodes);
	}
	if (r < 0) {
		rc = leave_file_locked(fs, n, false);
		nodes_unlock(fs->nodes);
		receive_free(rc);
		nodes_lock(fs->nodes);
	}
	return r;
}

/* The file of this name, made if there is none. */
static int
name_file_locked(struct fs *fs, uint64_t ino, const char *name, mode_t mode, int flags,
		 const struct fuse_ctx *who, struct node **ret_file)
{
	struct node *dir, *n, *up;
	enum store_level level;
	int r = dir_get_locked(fs, ino, &dir);

	if (r < 0)
		return r;
	if (alias_top_locked(dir) == NULL)
		return -EPERM;		/* beside the partitions */
	r = import_check_name_locked(dir, name);
	if (r < 0)
		return r;
	if (dir_level(dir, &level) && virtual_is_name(level, name))
		return -EPERM;
	n = node_child_locked(fs->nodes, dir->id, name);
	if (n != NULL && n->kind == NODE_FILE && (flags & O_EXCL))
		return -EEXIST;
	if (n != NULL && n->kind != NODE_FILE)
		return -EISDIR;
	for (up = dir; up != NULL; up = up->parent)
		if (up->kind == NODE_CATALOG)
			up->u.catalog.writer = who->pid;
	if (n == NULL) {
		r = node_add_local_locked(fs->nodes, dir, name, NODE_FILE, &n);
		if (r < 0)
			return r;
		node_made_by(n, mode, who->uid, who->gid);
	}
	*ret_file = n;
	return 0;
}

static int
create_locked(struct fs *fs, uint64_t ino, const char *name, mode_t mode, int flags,
	      const struct fuse_ctx *who, struct node **ret_file)
{
	int r = name_file_locked(fs, ino, name, mode, flags, who, ret_file);

	return r == 0 ? enter_file_locked(fs, *ret_file, flags) : r;
}

/* tar makes a file this way before it opens it, when it restores attributes. */
void
fs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	struct fs *fs = fs_enter(req, FS_CREATE, &parent);
	struct fuse_entry_param e;
	struct node *n;
	int r = 0;

	(void)dev;
	if (strlen(name) > TREE_NAME_MAX)
		r = -ENAMETOOLONG;
	else if (!S_ISREG(mode) || tree_is_fixed(parent) || tree_is_virtual(parent))
		r = -EPERM;
	if (r == 0) {
		nodes_lock(fs->nodes);
		r = name_file_locked(fs, parent, name, mode, O_EXCL, fuse_req_ctx(req), &n);
		if (r == 0) {
			entry_init(&e, n->id, FS_TIMEOUT);
			attr_of_local_locked(fs, n, &e.attr);
			node_review_locked(fs->nodes, n);
		}
		nodes_unlock(fs->nodes);
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fs_reply_entry(req, fs, &e);
}

void
fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_CREATE, &parent);
	struct fuse_entry_param e, shown;
	struct handle *h = NULL;
	struct node *n;
	int r = 0;

	if (strlen(name) > TREE_NAME_MAX)
		r = -ENAMETOOLONG;
	else if (tree_is_closed(parent) || tree_is_real(parent) || tree_is_virtual(parent))
		r = -EPERM;
	else {
		h = handle_new(fs);
		r = h != NULL ? 0 : -ENOMEM;
	}
	if (r == 0) {
		nodes_lock(fs->nodes);
		r = create_locked(fs, parent, name, mode, fi->flags, fuse_req_ctx(req), &n);
		if (r == 0) {
			h->file = n;
			h->receive = n->u.file.receive;
			entry_init(&e, n->id, FS_TIMEOUT);
			attr_of_local_locked(fs, n, &e.attr);
		}
		nodes_unlock(fs->nodes);
	}
	if (r < 0) {
		if (h != NULL)
			handle_free(fs, h);
		fuse_reply_err(req, -r);
		return;
	}
	h->writes = true;
	fi->direct_io = fs->mount->channel.direct_mmap;
	fi->fh = (uint64_t)(uintptr_t)h;
	if (fuse_reply_create(req, fs_show(fs, &e, &shown), fi) != 0)
		handle_free(fs, h);
}

/* What was refused reads as it lies in the error-container, if it still does. */
static int
open_kept(struct fs *fs, const char *path, struct handle *h)
{
	int r = store_open_refused(fs->st, path, &h->fd);

	return r == -ENOENT ? -ENODATA : r;
}

static int
open_local(struct fs *fs, uint64_t ino, struct handle *h, int flags)
{
	char kept[STORE_IMPORT_PATH_MAX + 1] = "";
	struct node *n;
	int r;

	nodes_lock(fs->nodes);
	n = node_find_locked(fs->nodes, ino);
	if (n == NULL)
		r = -ESTALE;
	else if (n->kind != NODE_FILE)
		r = -EISDIR;
	else if (n->u.file.kept != NULL && (flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC)) {
		snprintf(kept, sizeof kept, "%s", n->u.file.kept);
		r = -ENODATA;
	} else
		r = enter_file_locked(fs, n, flags);
	if (r == 0) {
		h->file = n;
		h->receive = n->u.file.receive;
	}
	nodes_unlock(fs->nodes);
	return kept[0] != '\0' ? open_kept(fs, kept, h) : r;
}

/* -- instances ------------------------------------------------------------ */

/* To write over an instance: a copy of it, made when the first byte is
 * written.  The data set's own UIDs will say what is replaced. */
static int
open_to_replace(struct fs *fs, uint64_t ino, struct handle *h, int flags)
{
	struct store_node node;
	struct store_file *file = NULL;
	struct err err;
	int r;

	err_clear(&err);
	r = store_get_node(fs->st, tree_catalog_id(ino), &node);
	if (r == 0 && !tree_same_version(ino, node.watermark))
		r = -ESTALE;
	if (r == 0) {
		h->receive = receive_new(fs->st, fs->mount->behind);
		r = h->receive != NULL ? 0 : -ENOMEM;
	}
	if (r == 0 && !(flags & O_TRUNC)) {
		r = store_open_file(fs->st, node.id, &file, &err);
		if (r == 0)
			r = receive_set_base(h->receive, file);
		store_file_close(file);
		if (r == -ESTALE)
			r = -EIO;
	}
	while (r == 0 && node.level != STORE_PARTITION)
		r = store_get_node(fs->st, node.parent, &node);
	if (r == 0)
		snprintf(h->partition, sizeof h->partition, "%s", node.name);
	h->append = (flags & O_APPEND) != 0;
	return r == -ENOENT ? -ESTALE : r;
}

static void
open_instance(fuse_req_t req, struct fs *fs, uint64_t ino, struct handle *h, struct fuse_file_info *fi)
{
	bool writes = (fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC);
	struct err err;
	int backing, r;

	err_clear(&err);
	if (writes)
		r = open_to_replace(fs, ino, h, fi->flags);
	else
		r = open_get(fs->opened, ino, &h->opened, &err);
	if (r == -ESTALE && err.num != 0) {
		log_error("open door=mount instance=%llu error=\"%s\"",
			  (unsigned long long)tree_catalog_id(ino), err_text(&err));
		r = -EIO;
	}
	if (r == -ENOENT)
		r = -ESTALE;		/* the kernel looks the name up again */
	if (r < 0) {
		handle_free(fs, h);
		fuse_reply_err(req, -r);
		return;
	}
	if (writes) {
		/* Its own bytes, not those of the page cache; and when others read
		 * by passthrough, only this combination is allowed beside them. */
		h->opened = open_peek(fs->opened, ino);
		h->writes = true;
		fi->direct_io = 1;
	} else {
		fi->keep_cache = 1;
		fi->noflush = 1;
	}
	backing = h->opened != NULL ? opened_backing(h->opened) : 0;
	if (backing == 0) {
		reply_open(req, fs, h, fi);
		return;
	}
	if (passthrough_reply_open(req, (uint64_t)(uintptr_t)h, backing,
				   writes ? PASSTHROUGH_DIRECT_IO : PASSTHROUGH_NOFLUSH) != 0)
		handle_free(fs, h);
}

const char *
file_of_queue(uint64_t node)
{
	return node == TREE_IMPORT_QUEUE ? STORE_IMPORT_QUEUE : STORE_ERROR_QUEUE;
}

static int
open_queue(struct fs *fs, uint64_t ino, struct handle *h, struct fuse_file_info *fi)
{
	if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC))
		return -EPERM;
	import_wait(fs);
	h->fd = openat(store_dir(fs->st), file_of_queue(ino), O_RDONLY | O_CLOEXEC);
	if (h->fd < 0 && errno != ENOENT)
		return -errno;
	fi->direct_io = 1;		/* it grows */
	return 0;
}

void
fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_OPEN, &ino);
	struct handle *h = handle_new(fs);
	int r;

	if (h == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (tree_is_instance(ino)) {
		open_instance(req, fs, ino, h, fi);
		return;
	}
	if (tree_is_queue(ino))
		r = open_queue(fs, ino, h, fi);
	else if (tree_is_real(ino))
		r = real_open(fs, ino, fi->flags, &h->fd);
	else if (tree_is_virtual(ino)) {
		r = virtual_open(fs, ino, fi->flags, &h->stream);
		fi->direct_io = 1;	/* what is read may be another thing the next time */
	} else {
		r = open_local(fs, ino, h, fi->flags);
		fi->direct_io = fs->mount->channel.direct_mmap;
	}
	h->writes = h->receive != NULL && ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC));
	if (!h->writes)
		fi->noflush = 1;
	if (r < 0) {
		handle_free(fs, h);
		fuse_reply_err(req, -r);
		return;
	}
	reply_open(req, fs, h, fi);
}

/* -- bytes ---------------------------------------------------------------- */

void
file_changed(struct fs *fs, const struct handle *h)
{
	uint64_t size = receive_size(h->receive);

	if (h->file == NULL)
		return;
	nodes_lock(fs->nodes);
	h->file->size = size;
	h->file->mtime = clock_now();
	nodes_unlock(fs->nodes);
}

void
fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);
	char *data = fs_scratch(size);
	ssize_t n = 0;

	fs_enter(req, FS_READ, &ino);
	if (data == NULL)
		n = -ENOMEM;
	else if (h->receive != NULL)
		n = receive_read(h->receive, data, size, (uint64_t)off);
	else if (h->stream != NULL)
		n = stream_read(h->stream, data, size, (uint64_t)off);
	else if (h->opened != NULL)
		n = store_file_pread(opened_file(h->opened), data, size, (uint64_t)off);
	else if (h->fd >= 0)
		n = io_pread_all(h->fd, data, size, (uint64_t)off);
	if (n < 0)
		fuse_reply_err(req, n == -ESTALE ? EIO : (int)-n);
	else
		fuse_reply_buf(req, data, (size_t)n);
}

void
fs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_WRITE, &ino);
	struct handle *h = handle_of(fi);
	ssize_t n = -EBADF;

	if (h->receive != NULL)
		n = receive_write(h->receive, data, size, (uint64_t)off, h->append);
	if (n > 0)
		file_changed(fs, h);
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_write(req, (size_t)n);
}

void
fs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_FALLOCATE, &ino);
	struct handle *h = handle_of(fi);
	int r = -EBADF;

	if (h->receive != NULL)
		r = receive_allocate(h->receive, mode, (uint64_t)off, (uint64_t)len);
	if (r == 0)
		file_changed(fs, h);
	fuse_reply_err(req, -r);
}
