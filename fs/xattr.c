/* Extended attributes.
 *
 * Everything outside "user." gets EOPNOTSUPP, not ENODATA: only then does ls
 * ask once for the file system and not twice for each file.
 */
#include "fs/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define VALUE_MAX 512

enum { ON_INSTANCE = 1, ON_REFUSED = 2 };

static const struct {
	const char *name;
	int on;
} attributes[] = {
	{ "user.dicomlake.hash", ON_INSTANCE },
	{ "user.dicomlake.watermark", ON_INSTANCE },
	{ "user.dicomlake.error", ON_REFUSED },
};
#define N_ATTRIBUTES (sizeof attributes / sizeof *attributes)

struct subject {
	int what;			/* ON_..., 0 neither */
	uint64_t instance;
	char error[VALUE_MAX];
};

static int
subject_of(struct fs *fs, uint64_t ino, struct subject *s)
{
	struct node *n;

	memset(s, 0, sizeof *s);
	if (tree_is_instance(ino)) {
		s->what = ON_INSTANCE;
		s->instance = tree_catalog_id(ino);
		return 0;
	}
	if (!tree_is_local(ino))
		return 0;
	nodes_lock(fs->nodes);
	n = node_find_locked(fs->nodes, ino);
	if (n != NULL && n->kind == NODE_FILE) {
		file_wait_locked(fs, n);
		n = node_find_locked(fs->nodes, ino);
	}
	if (n != NULL && n->kind == NODE_FILE) {
		s->instance = n->u.file.instance;
		if (n->u.file.error != NULL) {
			s->what = ON_REFUSED;
			snprintf(s->error, sizeof s->error, "%s", n->u.file.error);
		} else if (s->instance != 0)
			s->what = ON_INSTANCE;
	}
	nodes_unlock(fs->nodes);
	return n != NULL ? 0 : -ESTALE;
}

static int
get_value(struct fs *fs, const struct subject *s, const char *name, char value[VALUE_MAX])
{
	struct store_file *file;
	struct store_node node;
	struct err err;
	int r;

	if (s->what == ON_REFUSED && strcmp(name, "user.dicomlake.error") == 0) {
		memcpy(value, s->error, VALUE_MAX);
		return 0;
	}
	if (s->what != ON_INSTANCE)
		return -ENODATA;
	if (strcmp(name, "user.dicomlake.watermark") == 0) {
		r = store_get_node(fs->st, s->instance, &node);
		if (r == 0)
			snprintf(value, VALUE_MAX, "%llu", (unsigned long long)node.watermark);
		return r == -ENOENT ? -ESTALE : r;
	}
	if (strcmp(name, "user.dicomlake.hash") == 0) {
		err_clear(&err);
		r = store_open_file(fs->st, s->instance, &file, &err);
		if (r == 0) {
			hash_format(store_file_info(file)->hash, value);
			store_file_close(file);
		}
		return r == -ESTALE ? -EIO : r == -ENOENT ? -ESTALE : r;
	}
	return -ENODATA;
}

static void
reply(fuse_req_t req, const char *data, size_t len, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, len);
	else if (len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, data, len);
}

void
fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct fs *fs = fs_enter(req, FS_GETXATTR);
	char value[VALUE_MAX];
	struct subject s;
	int r;

	if (strncmp(name, "user.", 5) != 0)
		r = -EOPNOTSUPP;
	else if (strncmp(name, "user.dicomlake.", 15) != 0)
		r = -ENODATA;
	else {
		r = subject_of(fs, ino, &s);
		if (r == 0)
			r = get_value(fs, &s, name, value);
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply(req, value, strlen(value), size);
}

void
fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct fs *fs = fs_enter(req, FS_LISTXATTR);
	char list[VALUE_MAX];
	struct subject s;
	size_t i, len = 0;
	int r = subject_of(fs, ino, &s);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	for (i = 0; i < N_ATTRIBUTES; i++)
		if (attributes[i].on & s.what) {
			memcpy(list + len, attributes[i].name, strlen(attributes[i].name) + 1);
			len += strlen(attributes[i].name) + 1;
		}
	reply(req, list, len, size);
}

void
fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	(void)ino;
	(void)name;
	(void)value;
	(void)size;
	(void)flags;
	fs_enter(req, FS_SETXATTR);
	fuse_reply_err(req, EOPNOTSUPP);
}

void
fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)ino;
	(void)name;
	fs_enter(req, FS_REMOVEXATTR);
	fuse_reply_err(req, EOPNOTSUPP);
}
