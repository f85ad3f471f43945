/* Looking names up and listing them.
 *
 * The catalog is asked only for names it could have (tree_public_name): its
 * answer waits for the commit of what was accepted before, and a tool that copies looks
 * up names of its own all the time.
 */
#include "fs/private.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <string.h>

#include "fs/import.h"
#include "fs/services.h"
#include "fs/virtual.h"

/* -- directories ---------------------------------------------------------- */

bool
dir_level(const struct node *dir, enum store_level *ret_level)
{
	if (dir->kind != NODE_CATALOG)
		return false;
	*ret_level = dir->u.catalog.level;
	return true;
}

uint64_t
dir_store_id(const struct node *dir)
{
	return dir->id == TREE_SERVICE ? STORE_ROOT_ID : dir->id;
}

/* A directory of the catalog that is not in the table: it and all above. */
static int
adopt_dir_locked(struct fs *fs, uint64_t id, struct node **ret_dir)
{
	struct store_node path[3];
	struct node *dir;
	int n = 0, r = 0;

	nodes_unlock(fs->nodes);
	while (id != STORE_ROOT_ID && n < 3) {
		r = store_get_node(fs->st, id, &path[n]);
		if (r == 0 && path[n].level == STORE_INSTANCE)
			r = -ENOTDIR;
		if (r < 0)
			break;
		id = path[n++].parent;
	}
	nodes_lock(fs->nodes);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	dir = node_find_locked(fs->nodes, TREE_SERVICE);
	while (n-- > 0) {
		struct node *child = node_add_catalog_locked(fs->nodes, dir, path[n].id, path[n].level,
							     path[n].name);

		if (child == NULL)
			return -ENOMEM;
		dir = child;
	}
	*ret_dir = dir;
	return 0;
}

int
dir_get_locked(struct fs *fs, uint64_t ino, struct node **ret_dir)
{
	uint64_t id = node_resolve_locked(fs->nodes, ino);
	struct node *dir = node_find_locked(fs->nodes, id);

	if (dir == NULL) {
		if (tree_is_local(id) || id < STORE_FIRST_ID)
			return -ESTALE;
		return tree_is_instance(id) ? -ENOTDIR : adopt_dir_locked(fs, id, ret_dir);
	}
	if (dir->kind == NODE_FILE)
		return -ENOTDIR;
	*ret_dir = dir;
	return 0;
}

/* A local directory with a name the catalog could have by now: if so, it is
 * the catalog's from here on.  The lock is let go meanwhile. */
static int
refresh_locked(struct fs *fs, uint64_t ino, struct node **dir)
{
	char key[UID_TEXT_MAX], name[TREE_NAME_MAX + 1];
	struct node *n = *dir, *parent = n->parent;
	struct store_node found;
	enum store_level level;
	uint64_t parent_id, store_id;
	int r;

	if (n->kind != NODE_DIR || parent == NULL || !n->named || !dir_level(parent, &level) ||
	    !tree_public_name(level, n->name, key))
		return 0;
	parent_id = parent->id;
	store_id = dir_store_id(parent);
	strcpy(name, n->name);
	nodes_unlock(fs->nodes);
	r = store_lookup(fs->st, store_id, key, &found);
	nodes_lock(fs->nodes);
	if (r == 0 && found.level != STORE_INSTANCE) {
		parent = node_find_locked(fs->nodes, parent_id);
		if (parent != NULL && parent->kind == NODE_CATALOG) {
			n = node_add_catalog_locked(fs->nodes, parent, found.id, found.level, name);
			if (n != NULL)
				node_review_locked(fs->nodes, n);
		}
	} else if (r < 0 && r != -ENOENT)
		return r;
	return dir_get_locked(fs, ino, dir);
}

/* -- lookup --------------------------------------------------------------- */

static void
fill_local_locked(struct fs *fs, struct node *n, struct fuse_entry_param *e)
{
	bool waiting = n->kind == NODE_DIR && n->u.dir.expires != 0;

	entry_init(e, n->id, waiting ? 0 : FS_TIMEOUT);
	attr_of_local_locked(fs, n, &e->attr);
	node_review_locked(fs->nodes, n);	/* in use just now */
}

/* Turn a row into an entry; a directory counts as looked up. */
static int
fill_catalog_locked(struct fs *fs, struct node *parent, const struct store_node *node,
		    const char *name, struct fuse_entry_param *e)
{
	struct node *n;

	if (!tree_fits(fs->number, node->id))
		return -EOVERFLOW;
	if (node->level == STORE_INSTANCE) {
		entry_init(e, tree_instance_node(node->id, node->watermark), FS_TIMEOUT);
		if (e->ino == 0)
			return -EOVERFLOW;
		attr_of_catalog(fs, node, &e->attr);
		return 0;
	}
	n = node_add_catalog_locked(fs->nodes, parent, node->id, node->level, name);
	if (n == NULL)
		return -ENOMEM;
	if (n->kind != NODE_CATALOG) {	/* removed here a moment ago */
		fill_local_locked(fs, n, e);
		return 0;
	}
	n->u.catalog.lookups++;
	entry_init(e, n->id, FS_TIMEOUT);
	attr_of_catalog(fs, node, &e->attr);
	attr_merge_locked(n, node, &e->attr);
	return 0;
}

static int lookup_fixed(struct fs *fs, uint64_t parent, const char *name, struct fuse_entry_param *e);

/* From above into a service: as the kernel is to see it. */
static int
lookup_service(struct fs *above, const struct tree_fixed *f, struct fuse_entry_param *e)
{
	struct fs *fs = above->mount->by_number[f->service];
	struct fuse_entry_param own;
	int r = lookup_fixed(fs, f->parent, f->name, &own);

	if (r == 0)
		*e = *fs_show(fs, &own, e);
	return r;
}

static int
lookup_fixed(struct fs *fs, uint64_t parent, const char *name, struct fuse_entry_param *e)
{
	const struct tree_fixed *f = tree_fixed_child(&fs->tree, parent, name);
	struct store_node node;
	int r;

	entry_init(e, f != NULL ? f->id : 0, FS_TIMEOUT);
	if (f == NULL)
		return 0;		/* for ever */
	if (f->service != 0)
		return lookup_service(fs, f, e);
	if (tree_is_queue(f->id) || tree_is_real(f->id))
		e->attr_timeout = 0;
	if (tree_is_real(f->id))
		return real_lookup_self(fs, f->id, e);
	if (f->id != TREE_SERVICE) {
		attr_of_fixed(fs, f, &e->attr);
		return 0;
	}
	r = store_get_node(fs->st, STORE_ROOT_ID, &node);
	if (r < 0)
		return r;
	attr_of_catalog(fs, &node, &e->attr);
	return 0;
}

/* *e has node 0 for a name that is not there and may be cached as such. */
static int
lookup(struct fs *fs, uint64_t ino, const char *name, struct fuse_entry_param *e)
{
	char key[UID_TEXT_MAX];
	struct store_node found;
	struct node *dir, *n;
	enum store_level level;
	uint64_t store_id;
	int r;

	if (tree_is_outside(ino))
		return lookup_fixed(fs, ino, name, e);
	if (ino == TREE_SERVICE && strcmp(name, STORE_HEALTH_DIR) == 0) {
		r = real_lookup_self(fs, TREE_HEALTH, e);
		return r == -ESTALE ? -ENOENT : r;	/* there is none between two probes */
	}
	if (tree_is_real(ino)) {
		import_wait(fs);
		return real_lookup(fs, ino, name, e);
	}
	if (tree_is_virtual(ino))
		return virtual_lookup_in(fs, ino, name, e);
	nodes_lock(fs->nodes);
	r = dir_get_locked(fs, ino, &dir);
	if (r == 0 && node_child_locked(fs->nodes, dir->id, name) == NULL)
		r = refresh_locked(fs, ino, &dir);
	if (r < 0)
		goto out;
	n = node_child_locked(fs->nodes, dir->id, name);
	if (n == NULL && dir_level(dir, &level) && virtual_is_name(level, name)) {
		store_id = dir_store_id(dir);
		nodes_unlock(fs->nodes);
		return virtual_lookup(fs, store_id, name, e);
	}
	if (!dir_level(dir, &level) || !tree_public_name(level, name, key)) {
		if (n != NULL)
			fill_local_locked(fs, n, e);
		else	/* it may become a directory that has virtual ones */
			entry_init(e, 0, virtual_is_name_somewhere(name) ? 0 : FS_TIMEOUT);
		goto out;
	}
	store_id = dir_store_id(dir);
	nodes_unlock(fs->nodes);
	r = store_lookup(fs->st, store_id, key, &found);
	nodes_lock(fs->nodes);
	if (r < 0 && r != -ENOENT)
		goto out;
	if (r == 0) {
		r = dir_get_locked(fs, ino, &dir);
		if (r == 0)
			r = fill_catalog_locked(fs, dir, &found, name, e);
		goto out;
	}
	n = node_child_locked(fs->nodes, node_resolve_locked(fs->nodes, ino), name);
	if (n != NULL && n->kind != NODE_CATALOG) {
		fill_local_locked(fs, n, e);
		r = 0;
	}
out:
	nodes_unlock(fs->nodes);
	return r;
}

/* For those who know a node by its number only: NFS asks for "." and "..". */
static int
parent_of(struct fs *fs, uint64_t ino, uint64_t *ret_parent)
{
	struct store_node node;
	struct node *n;
	int r = 0;

	const struct tree_fixed *f = tree_fixed_at(&fs->tree, ino);

	if (f != NULL) {
		*ret_parent = f->parent;
		return 0;
	}
	if (fs->st == NULL)
		return -ESTALE;
	if (tree_is_real(ino))
		return real_parent(fs, ino, ret_parent);
	nodes_lock(fs->nodes);
	n = node_find_locked(fs->nodes, ino);
	if (n != NULL && n->parent != NULL)
		*ret_parent = n->parent->id;
	else
		r = -ESTALE;
	nodes_unlock(fs->nodes);
	if (r == 0 || tree_is_local(ino))
		return r;
	r = store_get_node(fs->st, tree_catalog_id(ino), &node);
	if (r == 0)
		*ret_parent = node.parent == STORE_ROOT_ID ? TREE_SERVICE : node.parent;
	return r == -ENOENT ? -ESTALE : r;
}

static int
lookup_self(struct fs *fs, uint64_t ino, struct fuse_entry_param *e)
{
	const struct tree_fixed *f = tree_fixed_at(&fs->tree, ino);
	struct store_node node;
	struct node *n;
	int r = 0;

	if (f != NULL && f->id != TREE_ROOT)
		return lookup_fixed(fs, f->parent, f->name, e);
	if (f != NULL) {
		entry_init(e, f->id, FS_TIMEOUT);
		attr_of_fixed(fs, f, &e->attr);
		return 0;
	}
	if (fs->st == NULL)
		return -ESTALE;
	if (tree_is_real(ino))
		return real_lookup_self(fs, ino, e);
	if (tree_is_virtual(ino))
		return virtual_lookup_self(fs, ino, e);
	nodes_lock(fs->nodes);
	n = node_find_locked(fs->nodes, node_resolve_locked(fs->nodes, ino));
	if (n != NULL && n->kind != NODE_CATALOG) {
		fill_local_locked(fs, n, e);
		nodes_unlock(fs->nodes);
		return 0;
	}
	nodes_unlock(fs->nodes);
	if (tree_is_local(ino))
		return -ESTALE;
	r = store_get_node(fs->st, tree_catalog_id(ino), &node);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	if (node.level == STORE_INSTANCE) {
		if (!tree_same_version(ino, node.watermark))
			return -ESTALE;
		return fill_catalog_locked(fs, NULL, &node, node.name, e);
	}
	nodes_lock(fs->nodes);
	r = dir_get_locked(fs, ino, &n);
	if (r == 0 && n->kind == NODE_CATALOG)
		r = fill_catalog_locked(fs, n->parent, &node, node.name, e);
	else if (r == 0)
		r = -ESTALE;
	nodes_unlock(fs->nodes);
	return r;
}

static void
forget(struct fs *fs, uint64_t node, uint64_t n)
{
	if (tree_is_real(node)) {
		real_forget(fs, node, n);
		return;
	}
	nodes_lock(fs->nodes);
	node_forget_locked(fs->nodes, node, n);
	nodes_unlock(fs->nodes);
}

void
fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_enter(req, FS_LOOKUP, &parent);
	struct fuse_entry_param e = { .ino = 0 };
	uint64_t self = parent;
	int r = 0;

	if (strlen(name) > TREE_NAME_MAX)
		r = -ENAMETOOLONG;
	else if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		if (name[1] == '.')
			r = parent_of(fs, parent, &self);
		if (fs->mount->upper != NULL && tree_is_upper(self))
			fs = fs->mount->upper;
		if (r == 0)
			r = lookup_self(fs, self, &e);
	} else {
		r = lookup(fs, parent, name, &e);
		if (r == -ESTALE)
			r = -ENOENT;	/* in a directory that is gone, as everywhere */
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else if (fs_reply_entry(req, fs, &e) != 0)
		forget(fs, e.ino, 1);
}

void
fs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	struct fs *fs = fs_enter(req, FS_FORGET, &ino);

	forget(fs, ino, n);
	fuse_reply_none(req);
}

void
fs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	fuse_ino_t ino;
	struct fs *fs;
	size_t i;

	for (i = 0; i < count; i++) {
		ino = forgets[i].ino;
		fs = fs_enter(req, FS_FORGET, &ino);
		forget(fs, ino, forgets[i].nlookup);
	}
	fuse_reply_none(req);
}

/* -- listing -------------------------------------------------------------- */

void
fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_OPENDIR, &ino);
	struct node *dir;
	bool cache = true;
	int r = 0;

	if (tree_is_virtual(ino)) {
		virtual_opendir(req, fs, ino, fi);
		return;
	}
	if (tree_is_real(ino)) {
		import_wait(fs);
		cache = false;
	} else if (!tree_is_outside(ino) && ino != TREE_SERVICE) {
		nodes_lock(fs->nodes);
		r = dir_get_locked(fs, ino, &dir);
		if (r == 0)
			r = refresh_locked(fs, ino, &dir);
		cache = r == 0 && dir->id == ino && dir->kind == NODE_CATALOG;
		nodes_unlock(fs->nodes);
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	/* Without keep_cache each open would throw the listing away. */
	fi->cache_readdir = cache;
	fi->keep_cache = cache;
	fuse_reply_open(req, fi);
}

void
fs_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_RELEASEDIR, &ino);

	if (tree_is_virtual(ino))
		virtual_releasedir(req, fs, fi);
	else
		fuse_reply_err(req, 0);
}

void
fs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_FSYNCDIR, &ino);

	(void)datasync;
	(void)fi;
	fuse_reply_err(req, fs->st == NULL ? -services_sync(fs->mount) : -store_sync(fs->st));
}

struct listing {
	struct fs *fs;
	fuse_req_t req;
	uint64_t ino;
	bool plus;
	char *data;
	size_t len, size;
};

#define LISTING_FULL 1

static int
add_entry(struct listing *l, const char *name, const struct fuse_entry_param *e, uint64_t off)
{
	size_t room = l->size - l->len, n;
	struct fuse_entry_param shown;

	e = fs_show(l->fs, e, &shown);
	if (l->plus)
		n = fuse_add_direntry_plus(l->req, l->data + l->len, room, name, e, (off_t)off);
	else
		n = fuse_add_direntry(l->req, l->data + l->len, room, name, &e->attr, (off_t)off);
	if (n > room)
		return LISTING_FULL;
	l->len += n;
	return 0;
}

static int
add_node(void *ctx, const struct store_node *node)
{
	struct listing *l = ctx;
	char name[UID_TEXT_MAX + sizeof TREE_SUFFIX];
	struct fuse_entry_param e = { .ino = 0 };
	struct node *dir;
	int r = 0;

	strcpy(name, node->name);
	if (node->level == STORE_INSTANCE)
		strcat(name, TREE_SUFFIX);
	if (!l->plus) {
		attr_of_catalog(l->fs, node, &e.attr);
		return add_entry(l, name, &e, node->id);
	}
	if (node->level == STORE_INSTANCE)
		r = fill_catalog_locked(l->fs, NULL, node, name, &e);
	else {
		nodes_lock(l->fs->nodes);
		dir = node_find_locked(l->fs->nodes, l->ino);
		r = dir != NULL ? fill_catalog_locked(l->fs, dir, node, name, &e) : -ESTALE;
		nodes_unlock(l->fs->nodes);
	}
	if (r < 0)
		return r;
	r = add_entry(l, name, &e, node->id);
	if (r != 0) {
		nodes_lock(l->fs->nodes);
		node_forget_locked(l->fs->nodes, e.ino, 1);
		nodes_unlock(l->fs->nodes);
	}
	return r;
}

static int
add_dots(struct listing *l, uint64_t off, uint64_t parent)
{
	struct fuse_entry_param e = { .ino = 0 };	/* the kernel takes no attributes of these */
	int r = 0;

	e.attr.st_mode = S_IFDIR;
	if (off < TREE_OFFSET_DOT) {
		e.attr.st_ino = tree_ino(l->ino);
		r = add_entry(l, ".", &e, TREE_OFFSET_DOT);
	}
	if (r == 0 && off < TREE_OFFSET_DOTDOT) {
		e.attr.st_ino = tree_ino(parent);
		r = add_entry(l, "..", &e, TREE_OFFSET_DOTDOT);
	}
	return r;
}

static int
list_fixed(struct listing *l, uint64_t off)
{
	const struct tree_fixed *f = tree_fixed_at(&l->fs->tree, l->ino);
	struct fuse_entry_param e;
	uint64_t i;
	int r = add_dots(l, off, f->parent);

	for (i = TREE_AHDS; i < l->fs->tree.n && r == 0; i++) {
		f = &l->fs->tree.fixed[i];
		/* the offset is the place and one, as 1 and 2 are the dots' */
		if (f->parent != l->ino || f->id == l->ino || i + 1 <= off)
			continue;
		r = lookup_fixed(l->fs, l->ino, f->name, &e);
		if (r == 0)
			r = add_entry(l, f->name, &e, i + 1);
	}
	return r;
}

static int
list_local_locked(struct listing *l, const struct node *dir, uint64_t off)
{
	struct fuse_entry_param e;
	struct node *n;
	int r = 0;

	for (n = dir->dirs; n != NULL && r == 0; n = n->next) {
		if (!n->listed || tree_dir_offset(n->id) <= off)
			continue;
		entry_init(&e, n->id, FS_TIMEOUT);
		attr_of_local_locked(l->fs, n, &e.attr);
		r = add_entry(l, n->name, &e, tree_dir_offset(n->id));
	}
	return r;
}

static int
list_dir(struct listing *l, uint64_t off)
{
	uint64_t store_id, parent;
	struct node *dir;
	bool in_catalog;
	int r;

	nodes_lock(l->fs->nodes);
	r = dir_get_locked(l->fs, l->ino, &dir);
	if (r < 0) {
		nodes_unlock(l->fs->nodes);
		return r;
	}
	l->ino = dir->id;
	in_catalog = dir->kind == NODE_CATALOG;
	store_id = dir_store_id(dir);
	parent = dir->parent != NULL ? dir->parent->id : tree_fixed_at(&l->fs->tree, dir->id)->parent;
	nodes_unlock(l->fs->nodes);

	r = add_dots(l, off, parent);
	if (r == 0 && in_catalog && off < TREE_OFFSET_LOCAL)
		r = store_list(l->fs->st, store_id, off < STORE_FIRST_ID ? 0 : off, add_node, l);
	/* Gone while it was listed: empty, as any removed directory. */
	if (r == -ENOENT)
		r = 0;
	if (r == 0) {
		nodes_lock(l->fs->nodes);
		dir = node_find_locked(l->fs->nodes, l->ino);
		if (dir != NULL)
			r = list_local_locked(l, dir, off);
		nodes_unlock(l->fs->nodes);
	}
	return r;
}

/* Not looked up by being listed: of those there may be more than are wanted. */
static int
add_real(void *ctx, const char *name, const struct stat *sb, uint64_t off)
{
	struct fuse_entry_param e = { .attr = *sb };

	return add_entry(ctx, name, &e, off);
}

/* The kernel never got the reply: the lookups in it do not count. */
static void
undo_listing(struct listing *l)
{
	struct fuse_direntplus d;
	size_t at = 0;

	nodes_lock(l->fs->nodes);
	while (l->plus && at + FUSE_NAME_OFFSET_DIRENTPLUS <= l->len) {
		memcpy(&d, l->data + at, FUSE_NAME_OFFSET_DIRENTPLUS);
		node_forget_locked(l->fs->nodes, fs_inner(l->fs, d.entry_out.nodeid), 1);
		at += FUSE_DIRENTPLUS_SIZE(&d);
	}
	nodes_unlock(l->fs->nodes);
}

static void
read_dir(fuse_req_t req, struct fs *fs, uint64_t ino, size_t size, uint64_t off, bool plus,
	 struct fuse_file_info *fi)
{
	struct listing l = { .fs = fs, .req = req, .ino = ino, .plus = plus, .size = size };
	int r;

	if (tree_is_virtual(ino)) {
		virtual_readdir(req, fs, ino, size, off, plus, fi);
		return;
	}
	l.data = fs_scratch(size);
	if (l.data == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (tree_is_outside(ino))
		r = list_fixed(&l, off);
	else if (tree_is_real(ino))
		r = real_list(fs, ino, off, add_real, &l);
	else
		r = list_dir(&l, off);
	if (r < 0 && l.len == 0)
		fuse_reply_err(req, -r);
	else if (fuse_reply_buf(req, l.data, l.len) != 0)
		undo_listing(&l);
}

void
fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_READDIR, &ino);

	read_dir(req, fs, ino, size, (uint64_t)off, false, fi);
}

void
fs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct fs *fs = fs_enter(req, FS_READDIRPLUS, &ino);

	read_dir(req, fs, ino, size, (uint64_t)off, true, fi);
}
