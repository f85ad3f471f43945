/* The table of operations, and what is agreed with the kernel at the start. */
#include "fs/private.h"

#include <stdlib.h>

#include "base/log.h"

struct fs *
fs_enter(fuse_req_t req, enum fs_operation op, fuse_ino_t *node)
{
	struct mount *m = fuse_req_userdata(req);
	struct fs *fs = m->services[0];

	if (m->upper != NULL) {
		fs = m->by_number[tree_service(*node)];
		if (fs == NULL) {	/* a file handle from when there was another service: ESTALE */
			fs = m->upper;
			*node = 0;
		}
		*node = tree_inner(*node);
		if (fs->st != NULL)
			store_log_about(fs->st);
		else
			log_about(NULL);
	}
	atomic_fetch_add_explicit(&fs->counters[op], 1, memory_order_relaxed);
	return fs;
}

bool
fs_has(struct fs *fs, fuse_ino_t *node)
{
	if (fs->mount->upper != NULL) {
		if (tree_service(*node) != fs->number)
			return false;
		*node = tree_inner(*node);
	}
	return true;
}

uint64_t
fs_outer(const struct fs *fs, uint64_t node)
{
	return tree_outer(fs->number, node);
}

uint64_t
fs_inner(const struct fs *fs, uint64_t outer)
{
	return fs->number != 0 ? tree_inner(outer) : outer;
}

const struct fuse_entry_param *
fs_show(const struct fs *fs, const struct fuse_entry_param *e, struct fuse_entry_param *shown)
{
	if (fs->number == 0)
		return e;
	*shown = *e;
	shown->ino = tree_outer(fs->number, e->ino);
	shown->attr.st_ino = tree_outer(fs->number, e->attr.st_ino);
	shown->generation = fs->generation;
	return shown;
}

int
fs_reply_entry(fuse_req_t req, const struct fs *fs, const struct fuse_entry_param *e)
{
	struct fuse_entry_param shown;

	return fuse_reply_entry(req, fs_show(fs, e, &shown));
}

int
fs_reply_attr(fuse_req_t req, const struct fs *fs, struct stat *sb, double timeout)
{
	sb->st_ino = tree_outer(fs->number, sb->st_ino);
	return fuse_reply_attr(req, sb, timeout);
}

/* Freed when the thread ends (answer.c). */
static _Thread_local void *scratch;
static _Thread_local size_t scratch_size;

void *
fs_scratch(size_t len)
{
	if (len > scratch_size) {
		free(scratch);
		scratch = malloc(len);
		scratch_size = scratch != NULL ? len : 0;
	}
	return scratch;
}

void
fs_scratch_free(void)
{
	free(scratch);
	scratch = NULL;
	scratch_size = 0;
}

static void
fs_init(void *userdata, struct fuse_conn_info *conn)
{
	struct mount *m = userdata;
	struct fs *fs = m->upper != NULL ? m->upper : m->services[0];
	/* AUTO_INVAL_DATA makes the kernel look at a directory's time before it
	 * uses a cached listing; for files it never finds a difference. */
	const unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_READDIRPLUS |
		FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_EXPORT_SUPPORT |
		FUSE_CAP_CACHE_SYMLINKS;

	atomic_fetch_add_explicit(&fs->counters[FS_INIT], 1, memory_order_relaxed);
	/* Not the write-back cache: it excludes passthrough and makes ingest
	 * slower.  Not splice: measured, no gain.  Locks are the kernel's own. */
	conn->want = conn->capable & wanted;
	conn->max_write = FS_WRITE_MAX;
	conn->max_background = 64;
	conn->congestion_threshold = 48;
	conn->time_gran = 1;
}

const struct fuse_lowlevel_ops fs_operations = {
	.init = fs_init,
	.lookup = fs_lookup,
	.forget = fs_forget,
	.forget_multi = fs_forget_multi,
	.getattr = fs_getattr,
	.setattr = fs_setattr,
	.mknod = fs_mknod,
	.mkdir = fs_mkdir,
	.unlink = fs_unlink,
	.rmdir = fs_rmdir,
	.symlink = fs_symlink,
	.rename = fs_rename,
	.link = fs_link,
	.create = fs_create,
	.open = fs_open,
	.read = fs_read,
	.write = fs_write,
	.flush = fs_flush,
	.release = fs_release,
	.fsync = fs_fsync,
	.fallocate = fs_fallocate,
	.opendir = fs_opendir,
	.readdir = fs_readdir,
	.readdirplus = fs_readdirplus,
	.releasedir = fs_releasedir,
	.fsyncdir = fs_fsyncdir,
	.statfs = fs_statfs,
	.readlink = fs_readlink,
	.getxattr = fs_getxattr,
	.setxattr = fs_setxattr,
	.listxattr = fs_listxattr,
	.removexattr = fs_removexattr,
};
