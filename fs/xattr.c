/* Extended attributes.
 *
 * Everything outside "user." gets EOPNOTSUPP, not ENODATA: only then does ls
 * ask once for the file system and not twice for each file.
 *
 * A name that was written here lists none of what the catalog says of its instance: a tool
 * that copies attributes removes what it finds and does not have itself.  Asked
 * by name they are there.
 */
#include "fs/private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "fs/xattr_dicom.h"
#include "fs/xattr_meta.h"
#include "store/tier.h"

#define ERROR_MAX 512
#define TIER_NAME "user.dicomlake.tier"
#define NUMBER_LEN 20			/* of the longest watermark */

enum { ON_INSTANCE = 1, ON_SERIES = 2, ON_STUDY = 4, ON_REFUSED = 8 };
#define ON_CATALOG (ON_INSTANCE | ON_SERIES | ON_STUDY)

struct subject {
	int what;			/* ON_..., 0 none of them */
	bool local;			/* a name of this mount's own, for now */
	uint64_t id;			/* in the store */
	uint64_t watermark;
	uint64_t size, tiers[STORE_TIERS];	/* store_node */
	char error[ERROR_MAX];
};

static int get_error(struct fs *fs, const struct subject *s, struct buf *out);
static int get_hash(struct fs *fs, const struct subject *s, struct buf *out);
static int get_sha256(struct fs *fs, const struct subject *s, struct buf *out);
static int get_tier(struct fs *fs, const struct subject *s, struct buf *out);
static int get_watermark(struct fs *fs, const struct subject *s, struct buf *out);

/* Beside user.dicom.*.  They are listed in this order, before those. */
static const struct own {
	const char *name;
	int on;
	bool listed;
	size_t len;			/* of every value; 0: it varies */
	int (*get)(struct fs *fs, const struct subject *s, struct buf *out);
} own[] = {
	{ "user.dicomlake.error", ON_REFUSED, true, 0, get_error },
	{ "user.dicomlake.hash", ON_INSTANCE, true, 2 * HASH_LEN, get_hash },
	/* Not listed: whoever copies attributes would read every byte twice. */
	{ "user.dicomlake.sha256", ON_INSTANCE, false, SHA256_TEXT_MAX - 1, get_sha256 },
	{ TIER_NAME, ON_CATALOG, true, 0, get_tier },
	{ "user.dicomlake.watermark", ON_CATALOG, true, 0, get_watermark },
};
#define N_OWN (sizeof own / sizeof *own)

/* -- what it is about ----------------------------------------------------- */

static int
subject_of_catalog(struct fs *fs, uint64_t id, struct subject *s)
{
	struct store_node node;
	int r;

	if (id < STORE_FIRST_ID)
		return 0;		/* above the partitions */
	r = store_get_node(fs->st, id, &node);
	if (r == -ENOENT) {
		s->local = true;	/* gone, but for who uses it still */
		return 0;
	}
	if (r < 0)
		return r;
	s->id = id;
	s->watermark = node.watermark;
	s->size = node.size;
	memcpy(s->tiers, node.tiers, sizeof s->tiers);
	s->what = node.level == STORE_INSTANCE ? ON_INSTANCE : node.level == STORE_SERIES ? ON_SERIES
		: node.level == STORE_STUDY ? ON_STUDY : 0;
	return 0;
}

static int
subject_of(struct fs *fs, uint64_t ino, struct subject *s)
{
	uint64_t id = tree_catalog_id(ino);
	struct node *n;

	memset(s, 0, sizeof *s);
	if (tree_is_virtual(ino) || tree_is_fixed(ino))
		return 0;
	s->local = tree_is_local(ino);
	if (s->local) {
		nodes_lock(fs->nodes);
		n = node_find_locked(fs->nodes, ino);
		if (n != NULL && n->kind == NODE_FILE) {
			file_wait_locked(fs, n);
			n = node_find_locked(fs->nodes, ino);
		}
		if (n != NULL && n->kind == NODE_FILE) {
			id = n->u.file.instance;
			if (n->u.file.error != NULL) {
				s->what = ON_REFUSED;
				snprintf(s->error, sizeof s->error, "%s", n->u.file.error);
			}
		} else {
			id = node_resolve_locked(fs->nodes, ino);
		}
		nodes_unlock(fs->nodes);
		if (n == NULL)
			return -ESTALE;
		if (s->what != 0 || tree_is_local(id))
			return 0;
	}
	return subject_of_catalog(fs, id, s);
}

/* -- values --------------------------------------------------------------- */

static int
get_error(struct fs *fs, const struct subject *s, struct buf *out)
{
	(void)fs;
	return buf_puts(out, s->error);
}

static int
get_watermark(struct fs *fs, const struct subject *s, struct buf *out)
{
	(void)fs;
	return buf_printf(out, "%" PRIu64, s->watermark);
}

/* Of a study or series, those that its instances are in. */
static int
get_tier(struct fs *fs, const struct subject *s, struct buf *out)
{
	uint64_t hot = s->size;
	size_t before = out->len;
	unsigned i;

	(void)fs;
	for (i = 1; i < STORE_TIERS; i++)
		hot -= s->tiers[i];
	for (i = 0; i < STORE_TIERS; i++)
		if ((i == 0 ? hot : s->tiers[i]) > 0)
			buf_printf(out, "%s%s", out->len > before ? "," : "", store_tier_name((enum store_tier)i));
	return buf_error(out);
}

/* Begins an operation that whoever serves the store works on. */
static int
set_tier(struct fs *fs, uint64_t ino, const char *value, size_t size)
{
	struct tier_request rq = { .n_nodes = 1 };
	char id[OPERATION_TEXT_MAX];
	struct subject s;
	struct buf now;
	struct err err;
	bool same;
	int r = subject_of(fs, ino, &s);

	/* A copy brings along what it found. */
	if (r < 0 || s.local || (s.what & ON_CATALOG) == 0)
		return r;
	if (store_tier_parse(value, size, &rq.tier) < 0)
		return -EINVAL;
	buf_init(&now, XATTR_MAX);
	r = get_tier(fs, &s, &now);
	same = r == 0 && slice_compare(buf_slice(&now), slice_of(value, size)) == 0;
	buf_fini(&now);
	if (r < 0 || same)
		return r;
	rq.nodes = &s.id;
	err_clear(&err);
	r = store_begin_tiering(fs->st, &rq, id, &err);
	if (r < 0)
		log_warning("tier door=mount node=%" PRIu64 " error=\"%s\"", s.id, err_text(&err));
	else
		log_info("tier door=mount node=%" PRIu64 " to=%s operation=%s", s.id, store_tier_name(rq.tier), id);
	return r == -ENOENT ? -ESTALE : r;
}

static int
get_hash(struct fs *fs, const struct subject *s, struct buf *out)
{
	struct store_file *file;
	char text[2 * HASH_LEN + 1];
	struct err err;
	int r;

	err_clear(&err);
	r = store_open_file(fs->st, s->id, &file, &err);
	if (r < 0)
		return r == -ESTALE ? -EIO : r;
	hash_format(store_file_info(file)->hash, text);
	store_file_close(file);
	return buf_puts(out, text);
}

static int
get_sha256(struct fs *fs, const struct subject *s, struct buf *out)
{
	char sum[SHA256_TEXT_MAX];
	struct store_file *file;
	struct err err;
	int r;

	err_clear(&err);
	r = store_open_file(fs->st, s->id, &file, &err);
	if (r == 0) {
		r = store_file_verify(file, sum, &err);
		store_file_close(file);
	}
	if (r == -ESTALE) {
		log_error("sha256 door=mount instance=%" PRIu64 " error=\"%s\"", s->id, err_text(&err));
		return -EIO;
	}
	return r < 0 ? r : buf_puts(out, sum);
}

static bool
is_meta(const char *name)
{
	return strncmp(name, XATTR_META_PREFIX, strlen(XATTR_META_PREFIX)) == 0;
}

static const struct own *
find_own(const struct subject *s, const char *name)
{
	size_t i;

	for (i = 0; i < N_OWN; i++)
		if ((own[i].on & s->what) != 0 && strcmp(own[i].name, name) == 0)
			return &own[i];
	return NULL;
}

static int
get_value(struct fs *fs, const struct subject *s, const char *name, struct buf *out)
{
	const struct own *o = find_own(s, name);
	int r;

	if (o != NULL)
		r = o->get(fs, s, out);
	else if (s->what == ON_STUDY && is_meta(name))
		r = xattr_meta_get(fs->st, s->id, name, out);
	else if (s->what & ON_CATALOG)
		r = xattr_dicom_get(fs->st, s->id, name, out);
	else
		r = -ENODATA;
	return r == -ENOENT ? -ESTALE : r;
}

/* -- requests ------------------------------------------------------------- */

static void
reply(fuse_req_t req, const struct buf *b, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, b->len);
	else if (b->len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, b->data, b->len);
}

void
fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct fs *fs = fs_enter(req, FS_GETXATTR, &ino);
	const struct own *o;
	struct subject s;
	struct buf value;
	int r = -ENODATA;

	buf_init(&value, XATTR_MAX);
	if (strncmp(name, "user.", 5) != 0)
		r = -EOPNOTSUPP;
	else if (strncmp(name, "user.dicom", 10) == 0 || is_meta(name))
		r = subject_of(fs, ino, &s);
	if (r == 0 && size == 0 && (o = find_own(&s, name)) != NULL && o->len > 0) {
		/* Who asks for the length first shall not wait for the value twice. */
		fuse_reply_xattr(req, o->len);
		return;
	}
	if (r == 0)
		r = get_value(fs, &s, name, &value);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply(req, &value, size);
	buf_fini(&value);
}

void
fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct fs *fs = fs_enter(req, FS_LISTXATTR, &ino);
	size_t i, cost, room = fs->mount->options.xattr_list;
	struct subject s;
	struct buf list;
	int r = subject_of(fs, ino, &s);

	buf_init(&list, XATTR_MAX);
	for (i = 0; r == 0 && i < N_OWN; i++) {
		if (!own[i].listed || (own[i].on & s.what) == 0 || (s.local && s.what != ON_REFUSED))
			continue;
		if (own[i].get == get_tier && !store_has_tier(fs->st, STORE_HOT))
			continue;
		cost = xattr_cost(own[i].name, own[i].len != 0 ? own[i].len : NUMBER_LEN);
		room -= cost < room ? cost : room;
		r = buf_put(&list, own[i].name, strlen(own[i].name) + 1);
	}
	if (r == 0 && !s.local && s.what == ON_STUDY)
		r = xattr_meta_list(fs->st, s.id, &room, &list);
	if (r == 0 && !s.local && (s.what & ON_CATALOG) != 0)
		r = xattr_dicom_list(fs->st, s.id, room, &list);
	if (r < 0)
		fuse_reply_err(req, r == -ENOENT ? ESTALE : -r);
	else
		reply(req, &list, size);
	buf_fini(&list);
}

static int
set_meta(struct fs *fs, uint64_t ino, const char *name, const char *value, size_t size, int flags)
{
	struct subject s;
	int r = subject_of(fs, ino, &s);

	if (r == 0)
		r = s.what != ON_STUDY ? -EPERM : xattr_meta_set(fs->st, s.id, name, value, size, flags);
	return r == -ENOENT ? -ESTALE : r;
}

/* Nothing else can be set.  But a copy brings along what it found: that is no error where it says what
 * is so, nor before there is anything to compare it with, nor for what only ever told of another store. */
static int
check_setting(struct fs *fs, uint64_t ino, const char *name, const char *value, size_t size)
{
	struct subject s;
	struct buf now;
	int r;

	if (strncmp(name, "user.dicomlake.", 15) == 0)
		return 0;
	if (strncmp(name, XATTR_DICOM_PREFIX, strlen(XATTR_DICOM_PREFIX)) != 0)
		return -EOPNOTSUPP;
	r = subject_of(fs, ino, &s);
	if (r < 0 || (s.local && s.what == 0))
		return r;
	buf_init(&now, XATTR_MAX);
	r = get_value(fs, &s, name, &now);
	if (r == -ENODATA || (r == 0 && slice_compare(buf_slice(&now), slice_of(value, size)) != 0))
		r = -EPERM;
	buf_fini(&now);
	return r;
}

void
fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	struct fs *fs = fs_enter(req, FS_SETXATTR, &ino);

	if (strcmp(name, TIER_NAME) == 0) {
		fuse_reply_err(req, -set_tier(fs, ino, value, size));
		return;
	}
	fuse_reply_err(req, is_meta(name) ? -set_meta(fs, ino, name, value, size, flags)
					  : -check_setting(fs, ino, name, value, size));
}

void
fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	fs_enter(req, FS_REMOVEXATTR, &ino);
	fuse_reply_err(req, strncmp(name, "user.dicom", 10) == 0 || is_meta(name) ? EPERM : EOPNOTSUPP);
}
