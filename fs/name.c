/* Making, removing and moving names.
 *
 * A name of the catalog is an instance: removing it deletes the instance; it
 * cannot be moved, as its own UIDs say where it is.  A local name is only a name.
 */
#include "fs/private.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>

#include "base/cond.h"
#include "base/log.h"
#include "fs/import.h"
#include "fs/notify.h"
#include "fs/virtual.h"

#define RMDIR_PATIENCE_MS 200

/* What (ino, name) is in the catalog: 0 and *found, or -ENOENT; a virtual one is
 * -EPERM, as nothing is to be done to it.  The lock is not held. */
static int
find_public(struct fs *fs, uint64_t ino, const char *name, struct store_node *found)
{
	char key[UID_TEXT_MAX];
	enum store_level level;
	struct node *dir;
	uint64_t store_id = 0;
	int r;

	if (tree_is_outside(ino) || tree_is_real(ino))
		return -ENOENT;
	if (tree_is_virtual(ino))
		return -EPERM;
	nodes_lock(fs->nodes);
	r = dir_get_locked(fs, ino, &dir);
	if (r == 0 && dir_level(dir, &level) && virtual_is_name(level, name) &&
	    node_child_locked(fs->nodes, dir->id, name) == NULL)
		r = -EPERM;
	if (r == 0 && (!dir_level(dir, &level) || !tree_public_name(level, name, key)))
		r = -ENOENT;
	if (r == 0)
		store_id = dir_store_id(dir);
	nodes_unlock(fs->nodes);
	if (r == -ESTALE)
		r = -ENOENT;		/* in a directory that is gone there is nothing */
	return r < 0 ? r : store_lookup(fs->st, store_id, key, found);
}

/* -- mkdir, rmdir --------------------------------------------------------- */

static int
make_dir_locked(struct fs *fs, uint64_t ino, const char *name, mode_t mode,
		const struct fuse_ctx *who, struct fuse_entry_param *e)
{
	struct node *dir, *n;
	int r = dir_get_locked(fs, ino, &dir);

	if (r < 0)
		return r;
	r = import_check_name_locked(dir, name);
	if (r < 0)
		return r;
	n = node_child_locked(fs->nodes, dir->id, name);
	if (n != NULL && n->kind != NODE_CATALOG)
		return -EEXIST;
	if (n != NULL)		/* the catalog has just been asked: an old one */
		node_unname_locked(fs->nodes, n);
	r = node_add_local_locked(fs->nodes, dir, name, NODE_DIR, &n);
	if (r < 0)
		return r;
	node_made_by(n, mode, who->uid, who->gid);
	if (dir->kind == NODE_CATALOG && n->mtime > dir->mtime)
		dir->mtime = n->mtime;
	node_set_listed_locked(n, true);
	node_review_locked(fs->nodes, n);
	entry_init(e, n->id, FS_TIMEOUT);
	attr_of_local_locked(fs, n, &e->attr);
	return 0;
}

void
fs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fs *fs = fs_enter(req, FS_MKDIR, &parent);
	struct fuse_entry_param e;
	struct store_node found;
	int r;

	if (strlen(name) > TREE_NAME_MAX)
		r = -ENAMETOOLONG;
	else if (tree_is_outside(parent) || tree_is_real(parent))
		r = -EPERM;
	else if (parent == TREE_SERVICE && !store_name_is_valid(name))
		r = -EINVAL;
	else
		r = find_public(fs, parent, name, &found);
	if (r == 0)
		r = -EEXIST;
	if (r == -ENOENT) {
		nodes_lock(fs->nodes);
		r = make_dir_locked(fs, parent, name, mode, fuse_req_ctx(req), &e);
		nodes_unlock(fs->nodes);
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fs_reply_entry(req, fs, &e);
}

/* What somebody made here under this name: a file or directory of no catalog. */
static int
local_child_locked(struct fs *fs, uint64_t ino, const char *name, struct node **ret_node)
{
	struct node *dir;
	int r = dir_get_locked(fs, ino, &dir);

	if (r < 0)
		return r == -ESTALE ? -ENOENT : r;
	*ret_node = node_child_locked(fs->nodes, dir->id, name);
	return *ret_node == NULL || (*ret_node)->kind == NODE_CATALOG ? -ENOENT : 0;
}

static int
try_remove_dir_locked(struct fs *fs, uint64_t ino, const char *name)
{
	struct node *n;
	int r = local_child_locked(fs, ino, name, &n);

	if (r < 0)
		return r;
	return n->kind == NODE_FILE ? -ENOTDIR : alias_remove_dir_locked(fs->nodes, n);
}

/* Nobody waits for a RELEASE, so who has closed all of it may come before it is known here. */
static int
remove_local_dir(struct fs *fs, uint64_t ino, const char *name)
{
	const struct timespec until = cond_deadline(RMDIR_PATIENCE_MS);
	bool late = false;
	int r;

	nodes_lock(fs->nodes);
	while ((r = try_remove_dir_locked(fs, ino, name)) == -EBUSY && !late)
		late = !nodes_wait_left_locked(fs->nodes, &until);
	nodes_unlock(fs->nodes);
	return r == -EBUSY ? -ENOTEMPTY : r;
}

void
fs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_enter(req, FS_RMDIR, &parent);
	struct store_node found;
	int r;

	if (tree_is_outside(parent))
		r = tree_fixed_child(&fs->tree, parent, name) != NULL ? -EPERM : -ENOENT;
	else if (tree_is_real(parent)) {
		fuse_reply_err(req, -real_remove(fs, parent, name, true));
		return;
	} else
		r = find_public(fs, parent, name, &found);
	if (r == 0) {
		if (found.level == STORE_INSTANCE)
			r = -ENOTDIR;
		else if (found.count > 0)
			r = -ENOTEMPTY;
		else			/* an empty partition stays */
			r = -EPERM;
	} else if (r == -ENOENT && !tree_is_outside(parent))
		r = remove_local_dir(fs, parent, name);
	fuse_reply_err(req, -r);
}

/* -- unlink --------------------------------------------------------------- */

static int
drop_local_file(struct fs *fs, uint64_t ino, const char *name)
{
	struct node *n;
	int r;

	nodes_lock(fs->nodes);
	r = local_child_locked(fs, ino, name, &n);
	if (r == 0 && n->kind == NODE_DIR)
		r = -EISDIR;
	else if (r == 0)
		node_unname_locked(fs->nodes, n);
	nodes_unlock(fs->nodes);
	return r;
}

static int
delete_instance(struct fs *fs, uint64_t parent, uint64_t id)
{
	struct hold hold;
	struct err err;
	int r;

	err_clear(&err);
	notify_hold(fs, &hold, parent, id);
	r = store_delete_id(fs->st, id, 0, &err);
	notify_release(fs, &hold);
	if (r < 0 && r != -ENOENT)
		log_warning("delete door=mount instance=%llu error=\"%s\"", (unsigned long long)id, err_text(&err));
	return r;
}

void
fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_enter(req, FS_UNLINK, &parent);
	struct store_node found;
	int r;

	if (tree_is_real(parent)) {
		fuse_reply_err(req, -real_remove(fs, parent, name, false));
		return;
	}
	if (tree_is_closed(parent)) {
		fuse_reply_err(req, tree_fixed_child(&fs->tree, parent, name) != NULL ? EPERM : ENOENT);
		return;
	}
	r = find_public(fs, parent, name, &found);
	if (r == 0) {
		r = found.level == STORE_INSTANCE ? delete_instance(fs, parent, found.id) : -EISDIR;
		if (r == 0)
			drop_local_file(fs, parent, name);	/* written under its own name */
	} else if (r == -ENOENT)
		r = drop_local_file(fs, parent, name);
	fuse_reply_err(req, -r);
}

/* -- rename --------------------------------------------------------------- */

/* May the file take a public name?  Only that of its own instance: then it is
 * there already. */
static int
check_target(struct fs *fs, uint64_t ino, const char *name, uint64_t target)
{
	struct node *n;
	int r;

	nodes_lock(fs->nodes);
	r = local_child_locked(fs, ino, name, &n);
	if (r == 0 && n->kind == NODE_FILE) {
		file_wait_locked(fs, n);
		r = local_child_locked(fs, ino, name, &n);
	}
	if (r == 0 && (n->kind != NODE_FILE ||
		       (n->u.file.instance != 0 && n->u.file.instance != target)))
		r = -EPERM;
	nodes_unlock(fs->nodes);
	return r;
}

static int
move_local(struct fs *fs, uint64_t ino, const char *name, uint64_t new_ino, const char *new_name, bool replace)
{
	struct node *from, *to, *n, *old;
	uint64_t file = 0;
	int r;

	nodes_lock(fs->nodes);
	r = dir_get_locked(fs, ino, &from);
	if (r == 0)
		r = dir_get_locked(fs, new_ino, &to);
	if (r == 0)	/* the second may have let go of the lock */
		r = dir_get_locked(fs, ino, &from);
	n = r == 0 ? node_child_locked(fs->nodes, from->id, name) : NULL;
	if (r == 0 && (n == NULL || n->kind == NODE_CATALOG))
		r = -ENOENT;
	if (r == 0) {
		old = node_child_locked(fs->nodes, to->id, new_name);
		if (old != NULL && old->kind != NODE_CATALOG && !replace)
			r = -EEXIST;
		else if (old != NULL && old->kind == NODE_CATALOG)
			node_unname_locked(fs->nodes, old);	/* gone from the catalog, or shadowed */
	}
	if (r == 0)
		r = import_check_name_locked(to, new_name);
	if (r == 0)
		r = alias_move_locked(fs->nodes, n, to, new_name);
	if (r == 0 && n->kind == NODE_FILE)
		file = n->id;
	nodes_unlock(fs->nodes);
	if (file != 0)
		import_follow(fs, file);
	return r;
}

static int
move(struct fs *fs, uint64_t ino, const char *name, uint64_t new_ino, const char *new_name, bool replace,
     bool *ret_public)
{
	struct store_node found;
	int r;

	*ret_public = false;
	if (strlen(new_name) > TREE_NAME_MAX)
		return -ENAMETOOLONG;
	/* Out of the error-container a file can be copied: mv does that then. */
	if (tree_is_real(ino) && !tree_is_real(new_ino))
		return -EXDEV;
	if (tree_is_closed(ino) || tree_is_closed(new_ino) || tree_is_real(ino) || tree_is_real(new_ino))
		return -EPERM;
	r = find_public(fs, ino, name, &found);
	if (r != -ENOENT)
		return r < 0 ? r : -EPERM;
	r = find_public(fs, new_ino, new_name, &found);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0) {
		if (!replace)
			return -EEXIST;
		if (found.level != STORE_INSTANCE)
			return -EPERM;
		r = check_target(fs, ino, name, found.id);
		if (r < 0)
			return r;
		*ret_public = true;
	}
	return move_local(fs, ino, name, new_ino, new_name, replace);
}

/* From one service to another mv copies, but nobody shall move a service, or into what holds them. */
static int
across(uint64_t parent, uint64_t new_parent)
{
	return (tree_is_closed(parent) && !tree_is_real(parent)) || tree_is_closed(new_parent) ||
	       tree_is_real(new_parent) ? EPERM : EXDEV;
}

void
fs_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	  fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	struct fs *fs = fs_enter(req, FS_RENAME, &parent);
	struct hold from, to;
	bool public;
	int r;

	if (flags & ~(unsigned)RENAME_NOREPLACE) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (!fs_has(fs, &new_parent)) {
		fuse_reply_err(req, across(parent, tree_inner(new_parent)));
		return;
	}
	if (fs->st == NULL) {
		fuse_reply_err(req, EPERM);
		return;
	}
	/* The wait for a commit may wait for the observer. */
	notify_hold(fs, &from, parent, 0);
	notify_hold(fs, &to, new_parent, 0);
	r = move(fs, parent, name, new_parent, new_name, !(flags & RENAME_NOREPLACE), &public);
	notify_release(fs, &to);
	notify_release(fs, &from);
	/* The kernel now has the local file there; the next lookup finds the instance. */
	if (r == 0 && public)
		notify_entry(fs, new_parent, new_name, NULL);
	fuse_reply_err(req, -r);
}

/* -- what there is none of ------------------------------------------------ */

void
fs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_enter(req, FS_REFUSED, &ino);

	(void)name;
	fuse_reply_err(req, fs_has(fs, &parent) ? EPERM : EXDEV);
}

void
fs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target;
	(void)name;
	fs_enter(req, FS_REFUSED, &parent);
	fuse_reply_err(req, EPERM);
}
