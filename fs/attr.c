/* What stat shows.  All of it comes from the index or from here; no backing
 * file is looked at.  Directories take no blocks and have size 0, so that du
 * says what is stored, in either of its ways.
 */
#include "fs/private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "fs/import.h"
#include "fs/services.h"
#include "fs/virtual.h"

static void
set_times(struct stat *sb, int64_t mtime, int64_t ctime)
{
	sb->st_mtim = sb->st_atim = clock_timespec(mtime);
	sb->st_ctim = clock_timespec(ctime);
}

static void
set_common(struct fs *fs, struct stat *sb, uint64_t ino, mode_t type)
{
	memset(sb, 0, sizeof *sb);
	sb->st_ino = ino;
	sb->st_mode = type | ((S_ISDIR(type) ? 0777 : 0666) & ~fs->mount->options.umask);
	sb->st_nlink = S_ISDIR(type) ? 2 : 1;
	sb->st_uid = fs->mount->options.uid;
	sb->st_gid = fs->mount->options.gid;
	sb->st_blksize = 128 << 10;
}

static void
set_size(struct stat *sb, uint64_t size)
{
	sb->st_size = (off_t)size;
	sb->st_blocks = (blkcnt_t)((size + 511) / 512);
}

void
attr_of_fixed(struct fs *fs, const struct tree_fixed *f, struct stat *sb)
{
	struct stat queue;
	uint64_t i;

	set_common(fs, sb, f->id, f->is_dir ? S_IFDIR : S_IFREG);
	set_times(sb, fs->mount->started, fs->mount->started);
	if (f->is_dir) {
		if (tree_is_closed(f->id))
			sb->st_mode &= ~(mode_t)0222;
		for (i = TREE_AHDS; i < fs->tree.n; i++)
			if (fs->tree.fixed[i].parent == f->id && fs->tree.fixed[i].is_dir)
				sb->st_nlink++;
		return;
	}
	sb->st_mode = S_IFREG | (0444 & ~fs->mount->options.umask);
	if (fstatat(store_dir(fs->st), file_of_queue(f->id), &queue, 0) == 0) {
		set_size(sb, (uint64_t)queue.st_size);
		sb->st_mtim = queue.st_mtim;
		sb->st_atim = queue.st_atim;
		sb->st_ctim = queue.st_ctim;
	}
}

void
attr_of_catalog(struct fs *fs, const struct store_node *node, struct stat *sb)
{
	if (node->level == STORE_INSTANCE) {
		set_common(fs, sb, node->id, S_IFREG);
		set_size(sb, node->size);
		set_times(sb, node->mtime, node->created > node->mtime ? node->created : node->mtime);
		return;
	}
	set_common(fs, sb, node->level == STORE_ROOT ? TREE_SERVICE : node->id, S_IFDIR);
	set_times(sb, node->mtime != 0 ? node->mtime : fs->mount->started, node->mtime != 0 ? node->mtime : fs->mount->started);
	if (node->level != STORE_SERIES)
		sb->st_nlink += node->count;
	/* What no listing shows takes room all the same: du counts it here. */
	sb->st_blocks = (blkcnt_t)((node->kept + 511) / 512);
}

void
attr_of_local_locked(struct fs *fs, const struct node *n, struct stat *sb)
{
	set_common(fs, sb, n->id, n->kind == NODE_FILE ? S_IFREG : S_IFDIR);
	sb->st_mode = (sb->st_mode & S_IFMT) | n->mode;
	sb->st_uid = n->uid;
	sb->st_gid = n->gid;
	set_times(sb, n->mtime, n->mtime);
	if (n->kind == NODE_FILE) {
		set_size(sb, n->size);
		sb->st_blksize = fs->mount->channel.uring_on ? FS_WRITE_CHEAP : FS_WRITE_MAX;	/* cp's writes */
	}
	if (n->kind == NODE_DIR)
		sb->st_nlink += n->listed_dirs;
	if (!n->named)
		sb->st_nlink = 0;
}

void
attr_merge_locked(struct node *n, const struct store_node *node, struct stat *sb)
{
	n->u.catalog.count = node->count;
	sb->st_nlink += n->listed_dirs;
	/* The kernel compares it to find a cached listing stale, so it must also
	 * tell of the local names in it. */
	if (node->mtime > n->mtime)
		n->mtime = node->mtime;
	set_times(sb, n->mtime, n->mtime);
}

void
entry_init(struct fuse_entry_param *e, uint64_t node, double timeout)
{
	memset(e, 0, sizeof *e);
	e->ino = node;
	e->generation = 1;
	e->attr_timeout = timeout;
	e->entry_timeout = timeout;
}

/* -- getattr -------------------------------------------------------------- */

/* Gone or replaced, but somebody has it open: fstat still tells. */
static int
getattr_opened(struct fs *fs, uint64_t ino, struct stat *sb)
{
	struct opened *o = open_peek(fs->opened, ino);
	const struct instance_info *info;

	if (o == NULL)
		return -ESTALE;
	info = store_file_info(opened_file(o));
	set_common(fs, sb, tree_ino(ino), S_IFREG);
	set_size(sb, info->size);
	set_times(sb, info->mtime, info->mtime);
	sb->st_nlink = 0;
	open_put(fs->opened, o);
	return 0;
}

static int
getattr_instance(struct fs *fs, uint64_t ino, struct handle *h, struct stat *sb)
{
	struct store_node node;
	int r = store_get_node(fs->st, tree_catalog_id(ino), &node);

	if (r == 0 && node.level == STORE_INSTANCE && tree_same_version(ino, node.watermark))
		attr_of_catalog(fs, &node, sb);
	else if (r < 0 && r != -ENOENT)
		return r;
	else
		r = getattr_opened(fs, ino, sb);
	if (h != NULL && h->receive != NULL) {
		if (r < 0)
			set_common(fs, sb, tree_ino(ino), S_IFREG);
		set_size(sb, receive_size(h->receive));
		r = 0;
	}
	return r;
}

/* A directory that was removed while somebody is in it: empty, without a link. */
static void
attr_of_gone(struct fs *fs, uint64_t id, struct stat *sb)
{
	struct store_node node = { .id = id, .level = STORE_STUDY, .mtime = fs->mount->started };
	struct node *n;

	nodes_lock(fs->nodes);
	n = node_find_locked(fs->nodes, id);
	if (n != NULL && n->kind == NODE_CATALOG) {
		node.level = n->u.catalog.level;
		node.mtime = n->mtime;
	}
	nodes_unlock(fs->nodes);
	attr_of_catalog(fs, &node, sb);
	sb->st_nlink = 0;
}

static int
getattr_dir(struct fs *fs, uint64_t ino, pid_t pid, struct stat *sb, double *ret_timeout)
{
	struct store_node node = { .id = 0 };
	uint64_t id = ino;
	struct node *n;
	int r;

	if (ino != TREE_SERVICE) {
		nodes_lock(fs->nodes);
		id = node_resolve_locked(fs->nodes, ino);
		n = node_find_locked(fs->nodes, id);
		if (n != NULL && n->kind != NODE_CATALOG) {
			attr_of_local_locked(fs, n, sb);
			/* Nobody tells when one that is waiting for its end goes. */
			if (n->kind == NODE_DIR && n->u.dir.expires != 0)
				*ret_timeout = 0;
			nodes_unlock(fs->nodes);
			return 0;
		}
		/* Who writes many files asks this for each that changes it, only to have his
		 * permission checked; he would wait for the commit of the one
		 * before each time.  Everybody else gets the barrier. */
		if (n != NULL && n->u.catalog.unsettled > 0 && n->u.catalog.writer == pid) {
			node.id = id;
			node.level = n->u.catalog.level;
			node.count = n->u.catalog.count;
			attr_of_catalog(fs, &node, sb);
			attr_merge_locked(n, &node, sb);
			sb->st_ino = ino;
			nodes_unlock(fs->nodes);
			*ret_timeout = 0;
			return 0;
		}
		nodes_unlock(fs->nodes);
		if (tree_is_local(id) && !tree_is_local_dir(id))
			return -ESTALE;
	}
	r = tree_is_local(id) ? -ENOENT : store_get_node(fs->st, id == TREE_SERVICE ? STORE_ROOT_ID : id, &node);
	if (r == -ENOENT) {
		attr_of_gone(fs, id, sb);
		sb->st_ino = ino;
		*ret_timeout = 0;
		return 0;
	}
	if (r < 0)
		return r;
	attr_of_catalog(fs, &node, sb);
	nodes_lock(fs->nodes);
	n = node_find_locked(fs->nodes, id);
	if (n != NULL && n->kind == NODE_CATALOG)
		attr_merge_locked(n, &node, sb);
	nodes_unlock(fs->nodes);
	sb->st_ino = ino;
	return 0;
}

static int
get_attr(struct fs *fs, fuse_req_t req, uint64_t ino, struct handle *h, struct stat *sb, double *ret_timeout)
{
	*ret_timeout = FS_TIMEOUT;
	if (tree_is_queue(ino) || tree_is_real(ino)) {
		import_wait(fs);
		*ret_timeout = 0;	/* any process may add to it */
	}
	if (tree_is_real(ino))
		return real_stat(fs, ino, sb);
	if (tree_is_outside(ino) || ino == TREE_IMPORT) {
		attr_of_fixed(fs, tree_fixed_at(&fs->tree, ino), sb);
		return 0;
	}
	if (tree_is_virtual(ino)) {
		*ret_timeout = 0;
		return virtual_getattr(fs, ino, sb);
	}
	if (tree_is_instance(ino))
		return getattr_instance(fs, ino, h, sb);
	return getattr_dir(fs, ino, fuse_req_ctx(req)->pid, sb, ret_timeout);
}

void
fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_GETATTR, &ino);
	struct stat sb;
	double timeout;
	int r = get_attr(fs, req, ino, handle_of(fi), &sb, &timeout);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fs_reply_attr(req, fs, &sb, timeout);
}

/* -- setattr -------------------------------------------------------------- */

/* Local names keep what they are given; tools compare it later. */
static void
set_local(struct fs *fs, uint64_t ino, const struct stat *sb, int to_set)
{
	struct node *n;

	nodes_lock(fs->nodes);
	n = node_find_locked(fs->nodes, node_resolve_locked(fs->nodes, ino));
	if (n != NULL && n->kind != NODE_CATALOG) {
		if (to_set & FUSE_SET_ATTR_MODE)
			n->mode = sb->st_mode & 07777;
		if (to_set & FUSE_SET_ATTR_UID)
			n->uid = sb->st_uid;
		if (to_set & FUSE_SET_ATTR_GID)
			n->gid = sb->st_gid;
		if (to_set & FUSE_SET_ATTR_MTIME_NOW)
			n->mtime = clock_now();
		else if (to_set & FUSE_SET_ATTR_MTIME)
			n->mtime = clock_ns(sb->st_mtim);
		node_review_locked(fs->nodes, n);	/* in use just now */
	}
	nodes_unlock(fs->nodes);
}

static int
set_size_of(struct fs *fs, uint64_t size, struct handle *h, uint64_t now_size)
{
	int r;

	if (h == NULL || h->receive == NULL)	/* truncate(2) by path: what would be left is no DICOM file */
		return size == now_size ? 0 : -EPERM;
	r = receive_truncate(h->receive, size);
	if (r == 0)
		file_changed(fs, h);
	return r;
}

void
fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *want, int to_set, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_SETATTR, &ino);
	struct handle *h = handle_of(fi);
	struct stat sb;
	double timeout;
	int r = tree_is_virtual(ino) ? -EPERM : get_attr(fs, req, ino, h, &sb, &timeout);

	if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE))
		r = S_ISREG(sb.st_mode) ? set_size_of(fs, (uint64_t)want->st_size, h, (uint64_t)sb.st_size)
					: -EISDIR;
	/* Owner, mode and times of what is stored are the store's own: asking
	 * for others succeeds, as tools insist on it, and changes nothing. */
	if (r == 0 && tree_is_local(ino))
		set_local(fs, ino, want, to_set);
	if (r == 0)
		r = get_attr(fs, req, ino, h, &sb, &timeout);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fs_reply_attr(req, fs, &sb, timeout);
}

/* -- statfs --------------------------------------------------------------- */

void
fs_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = fs_enter(req, FS_STATFS, &ino);
	struct statvfs sv;
	int r = fs->st == NULL ? services_statvfs(fs->mount, &sv) : statvfs(store_path(fs->st), &sv) < 0 ? -errno : 0;

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	sv.f_namemax = TREE_NAME_MAX;
	fuse_reply_statfs(req, &sv);
}
