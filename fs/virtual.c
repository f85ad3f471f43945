#include "fs/virtual.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fs/query.h"

#define FEED_DIR ".feed"
#define FEED_FILE "changes.ndjson"
#define QUERY_DIR ".query"
#define SUMS_FILE "SHA256SUMS"
#define METADATA_FILE ".metadata.json"
#define METADATA_SUFFIX ".json"
#define ORIGINALS_DIR ".original"

/* Longest target of a link: out of every condition, into the partition. */
#define TARGET_MAX (3 * (QUERY_TERMS_MAX + 1) + STORE_NAME_MAX + 1 + UID_TEXT_MAX)

/* Sizes that were found by making the bytes. */
#define SIZES 256

/* -- node numbers --------------------------------------------------------- */

enum kind {
	KIND_FEED_DIR = 1,
	KIND_QUERY_DIR,
	KIND_LINK,			/* id: the study's; parameter: depth, and OF_SERVICE */
	KIND_FILE,			/* id: what it is about; parameter: the stream's kind */
	KIND_ORIGINALS,			/* id: the series' */
};

#define KIND_SHIFT 56
#define PARAMETER_SHIFT 48
#define ID_MASK ((UINT64_C(1) << PARAMETER_SHIFT) - 1)
#define OF_SERVICE 0x80

static uint64_t
node_of(enum kind kind, unsigned parameter, uint64_t id)
{
	return TREE_VIRTUAL | (uint64_t)kind << KIND_SHIFT | (uint64_t)parameter << PARAMETER_SHIFT | (id & ID_MASK);
}

static enum kind
kind_of(uint64_t ino)
{
	return (enum kind)(ino >> KIND_SHIFT & 0xf);
}

static unsigned
parameter_of(uint64_t ino)
{
	return (unsigned)(ino >> PARAMETER_SHIFT & 0xff);
}

static uint64_t
id_of(uint64_t ino)
{
	return ino & ID_MASK;
}

/* -- state ---------------------------------------------------------------- */

/* What a size was made of: while these are the same, so are the bytes.  Removals leave fewer
 * bytes, all else a higher watermark. */
struct size {
	uint64_t ino, watermark, bytes;
	uint64_t size;
};

struct virtual {
	struct query_dirs *queries;
	struct open_dirs open_dirs;
	pthread_mutex_t lock;		/* guards sizes; a leaf */
	struct size sizes[SIZES];
};

struct virtual *
virtual_new(void)
{
	struct virtual *v = calloc(1, sizeof *v);

	if (v == NULL)
		return NULL;
	pthread_mutex_init(&v->lock, NULL);
	pthread_mutex_init(&v->open_dirs.lock, NULL);
	v->queries = query_dirs_new();
	if (v->queries == NULL) {
		virtual_free(v);
		return NULL;
	}
	return v;
}

void
virtual_free(struct virtual *v)
{
	if (v == NULL)
		return;
	open_dirs_free(&v->open_dirs);
	query_dirs_free(v->queries);
	pthread_mutex_destroy(&v->open_dirs.lock);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

struct open_dirs *
virtual_open_dirs(struct fs *fs)
{
	return &fs->virtual->open_dirs;
}

static struct size *
size_slot(struct virtual *v, uint64_t ino)
{
	return &v->sizes[(ino ^ ino >> 8 ^ ino >> PARAMETER_SHIFT) % SIZES];
}

static int
get_size(struct fs *fs, uint64_t ino, const struct store_node *node, uint64_t *ret_size)
{
	struct virtual *v = fs->virtual;
	struct size *slot = size_slot(v, ino), now = { ino, node->watermark, node->size, 0 };
	bool known;
	int r;

	pthread_mutex_lock(&v->lock);
	known = slot->ino == ino && slot->watermark == now.watermark && slot->bytes == now.bytes;
	if (known)
		*ret_size = slot->size;
	pthread_mutex_unlock(&v->lock);
	if (known)
		return 0;
	r = stream_size(fs->st, (enum stream_kind)parameter_of(ino), id_of(ino), &now.size);
	if (r < 0)
		return r;
	pthread_mutex_lock(&v->lock);
	*slot = now;
	pthread_mutex_unlock(&v->lock);
	*ret_size = now.size;
	return 0;
}

/* -- names ---------------------------------------------------------------- */

/* "<uid>.json": the instance's UID. */
static bool
is_instance_json(const char *name, char uid[UID_TEXT_MAX])
{
	size_t len = strlen(name), suffix = strlen(METADATA_SUFFIX);

	if (len <= suffix || len - suffix >= UID_TEXT_MAX || strcmp(name + len - suffix, METADATA_SUFFIX) != 0 ||
	    !uid_is_valid(name, len - suffix))
		return false;
	memcpy(uid, name, len - suffix);
	uid[len - suffix] = '\0';
	return true;
}

bool
virtual_is_name(enum store_level level, const char *name)
{
	char uid[UID_TEXT_MAX];

	switch (level) {
	case STORE_ROOT:
		return strcmp(name, FEED_DIR) == 0 || strcmp(name, QUERY_DIR) == 0;
	case STORE_PARTITION:
		return strcmp(name, QUERY_DIR) == 0;
	case STORE_STUDY:
		return strcmp(name, SUMS_FILE) == 0;
	case STORE_SERIES:
		return strcmp(name, METADATA_FILE) == 0 || strcmp(name, ORIGINALS_DIR) == 0 || is_instance_json(name, uid);
	default:
		return false;
	}
}

bool
virtual_is_name_somewhere(const char *name)
{
	int level;

	for (level = STORE_ROOT; level < STORE_INSTANCE; level++)
		if (virtual_is_name((enum store_level)level, name))
			return true;
	return false;
}

static int
fill(struct fs *fs, uint64_t ino, struct fuse_entry_param *e)
{
	entry_init(e, ino, 0);
	return virtual_getattr(fs, ino, &e->attr);
}

static int
fill_query(struct fs *fs, struct query_dir *dir, struct fuse_entry_param *e)
{
	int r = query_dirs_add(fs->virtual->queries, dir);

	return r < 0 ? r : fill(fs, node_of(KIND_QUERY_DIR, 0, dir->number), e);
}

/* The top of the conditions; those of the service search the default partition, as a URL without one does. */
static int
lookup_query(struct fs *fs, const struct store_node *parent, struct fuse_entry_param *e)
{
	struct query_dir dir = { .partition = parent->id };
	struct store_node partition;
	int r;

	if (parent->level == STORE_ROOT) {
		r = store_find_partition(fs->st, STORE_DEFAULT_PARTITION, &partition);
		if (r < 0)
			return r;
		dir.partition = partition.id;
		dir.of_service = true;
	}
	return fill_query(fs, &dir, e);
}

int
virtual_lookup(struct fs *fs, uint64_t id, const char *name, struct fuse_entry_param *e)
{
	struct store_node parent, instance;
	char uid[UID_TEXT_MAX];
	int r = store_get_node(fs->st, id, &parent);

	if (r < 0)
		return r;
	if (strcmp(name, QUERY_DIR) == 0)
		return lookup_query(fs, &parent, e);
	if (strcmp(name, FEED_DIR) == 0)
		return fill(fs, node_of(KIND_FEED_DIR, 0, 0), e);
	if (strcmp(name, SUMS_FILE) == 0)
		return fill(fs, node_of(KIND_FILE, STREAM_SUMS, id), e);
	if (strcmp(name, METADATA_FILE) == 0)
		return fill(fs, node_of(KIND_FILE, STREAM_SERIES, id), e);
	if (strcmp(name, ORIGINALS_DIR) == 0)
		return fill(fs, node_of(KIND_ORIGINALS, 0, id), e);
	if (!is_instance_json(name, uid))
		return -ENOENT;
	r = store_lookup(fs->st, id, uid, &instance);
	return r < 0 ? r : fill(fs, node_of(KIND_FILE, STREAM_INSTANCE, instance.id), e);
}

/* -- queries -------------------------------------------------------------- */

int
virtual_query_dir(struct fs *fs, uint64_t ino, struct query_dir *dir)
{
	return kind_of(ino) == KIND_QUERY_DIR ? query_dirs_get(fs->virtual->queries, id_of(ino), dir) : -ENOTDIR;
}

static int
find_tag(void *ctx, uint32_t tag, struct search_tag *ret_tag)
{
	return store_search_tag(ctx, tag, ret_tag);
}

int
virtual_search(struct fs *fs, const struct query_dir *dir, const char *study_uid, uint64_t before, uint64_t limit,
	       struct search_report *report, int (*fn)(void *ctx, const struct store_node *node), void *ctx)
{
	struct search search = { .level = STORE_STUDY, .study_uid = study_uid, .before = before, .limit = limit,
		.scan = true, .report = report };
	struct query *q = malloc(sizeof *q);
	struct store_node partition;
	struct err err;
	int r = q != NULL ? store_get_node(fs->st, dir->partition, &partition) : -ENOMEM;

	err_clear(&err);
	memset(report, 0, sizeof *report);
	if (r == 0)
		r = query_parse(dir->conditions, find_tag, fs->st, q, &err);
	if (r == 0) {
		search.partition = partition.name;
		search.terms = q->terms;
		search.n_terms = q->n;
		r = store_search_nodes(fs->st, &search, fn, ctx, &err);
	}
	free(q);
	return r;
}

/* "../" for each condition and for .query itself, then where the study is. */
static void
put_target(unsigned depth, bool of_service, const char *study_uid, char target[TARGET_MAX])
{
	char *p = target;
	unsigned i;

	for (i = 0; i <= depth; i++)
		p = stpcpy(p, "../");
	if (of_service)
		p = stpcpy(p, STORE_DEFAULT_PARTITION "/");
	stpcpy(p, study_uid);
}

/* Its id stays the study's, so the target of a node never changes. */
static int
read_target(struct fs *fs, uint64_t ino, char target[TARGET_MAX], struct store_node *study)
{
	int r = store_get_node(fs->st, id_of(ino), study);

	if (r < 0)
		return r;
	put_target(parameter_of(ino) & ~(unsigned)OF_SERVICE, (parameter_of(ino) & OF_SERVICE) != 0, study->name, target);
	return 0;
}

void
fs_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = fs_enter(req, FS_READLINK, &ino);
	char target[TARGET_MAX];
	struct store_node study;
	int r = tree_is_virtual(ino) && kind_of(ino) == KIND_LINK ? read_target(fs, ino, target, &study) : -EINVAL;

	if (r < 0)
		fuse_reply_err(req, r == -ENOENT ? ESTALE : -r);
	else
		fuse_reply_readlink(req, target);
}

static int
note_study(void *ctx, const struct store_node *node)
{
	*(struct store_node *)ctx = *node;
	return 0;
}

static int
lookup_condition(struct fs *fs, struct query_dir *dir, const char *name, struct fuse_entry_param *e)
{
	size_t len = strlen(dir->conditions);
	struct err err;
	struct query *q;
	int r;

	if (len + 1 + strlen(name) >= sizeof dir->conditions)
		return -ENAMETOOLONG;
	if (len > 0)
		dir->conditions[len++] = '/';
	strcpy(dir->conditions + len, name);
	q = malloc(sizeof *q);
	if (q == NULL)
		return -ENOMEM;
	err_clear(&err);
	r = query_parse(dir->conditions, find_tag, fs->st, q, &err);
	free(q);
	if (r < 0)
		return r;
	if (++dir->depth > QUERY_TERMS_MAX)
		return -E2BIG;
	return fill_query(fs, dir, e);
}

/* By the instance's public name; one that was never updated is its own original. */
static int
lookup_original(struct fs *fs, uint64_t series, const char *name, struct fuse_entry_param *e)
{
	struct store_node instance;
	char uid[UID_TEXT_MAX];
	int r = tree_public_name(STORE_SERIES, name, uid) ? store_lookup(fs->st, series, uid, &instance) : -ENOENT;

	return r < 0 ? r : fill(fs, node_of(KIND_FILE, STREAM_ORIGINAL, instance.id), e);
}

int
virtual_lookup_in(struct fs *fs, uint64_t ino, const char *name, struct fuse_entry_param *e)
{
	struct store_node study = { .id = 0 };
	struct search_report report;
	struct query_dir dir;
	int r;

	if (kind_of(ino) == KIND_FEED_DIR)
		return strcmp(name, FEED_FILE) == 0 ? fill(fs, node_of(KIND_FILE, STREAM_FEED, 0), e) : -ENOENT;
	if (kind_of(ino) == KIND_ORIGINALS)
		return lookup_original(fs, id_of(ino), name, e);
	r = virtual_query_dir(fs, ino, &dir);
	if (r < 0)
		return r;
	if (!uid_is_valid(name, strlen(name)))
		return lookup_condition(fs, &dir, name, e);
	if (dir.depth == 0)
		return -ENOENT;
	r = virtual_search(fs, &dir, name, 0, 1, &report, note_study, &study);
	if (r == 0 && study.id == 0)
		r = -ENOENT;
	if (r == 0)
		virtual_link_entry(fs, &dir, &study, e);
	return r;
}

int
virtual_lookup_self(struct fs *fs, uint64_t ino, struct fuse_entry_param *e)
{
	return fill(fs, ino, e);
}

/* -- attributes ----------------------------------------------------------- */

static void
set_common(struct fs *fs, struct stat *sb, uint64_t ino, mode_t mode, int64_t mtime)
{
	memset(sb, 0, sizeof *sb);
	sb->st_ino = ino;
	sb->st_mode = mode;
	if (!S_ISLNK(mode))
		sb->st_mode &= ~(mode_t)fs->mount->options.umask;
	sb->st_nlink = S_ISDIR(mode) ? 2 : 1;
	sb->st_uid = fs->mount->options.uid;
	sb->st_gid = fs->mount->options.gid;
	sb->st_blksize = 128 << 10;
	sb->st_mtim = sb->st_atim = sb->st_ctim = clock_timespec(mtime != 0 ? mtime : fs->mount->started);
}

static void
set_size(struct stat *sb, uint64_t size)
{
	sb->st_size = (off_t)size;
	sb->st_blocks = (blkcnt_t)((size + 511) / 512);
}

static void
attr_of_link(struct fs *fs, uint64_t ino, const struct store_node *study, size_t target_len, struct stat *sb)
{
	set_common(fs, sb, ino, S_IFLNK | 0777, study->mtime);
	sb->st_size = (off_t)target_len;
}

void
virtual_link_entry(struct fs *fs, const struct query_dir *dir, const struct store_node *study,
		   struct fuse_entry_param *e)
{
	char target[TARGET_MAX];

	entry_init(e, node_of(KIND_LINK, dir->depth | (dir->of_service ? OF_SERVICE : 0), study->id), 0);
	put_target(dir->depth, dir->of_service, study->name, target);
	attr_of_link(fs, e->ino, study, strlen(target), &e->attr);
}

static int
getattr_file(struct fs *fs, uint64_t ino, struct stat *sb)
{
	struct store_node node;
	uint64_t size = 0;
	int r;

	/* The feed is about the whole store, which has the root's id. */
	r = store_get_node(fs->st, id_of(ino), &node);
	if (r == 0 && parameter_of(ino) == STREAM_FEED)
		r = stream_size(fs->st, STREAM_FEED, 0, &size);
	else if (r == 0)
		r = get_size(fs, ino, &node, &size);
	if (r < 0)
		return r;
	set_common(fs, sb, ino, S_IFREG | 0444, node.mtime);
	set_size(sb, size);
	return 0;
}

int
virtual_getattr(struct fs *fs, uint64_t ino, struct stat *sb)
{
	struct query_dir dir = { .partition = STORE_ROOT_ID };
	char target[TARGET_MAX];
	struct store_node node;
	int r = 0;

	switch (kind_of(ino)) {
	case KIND_FILE:
		r = getattr_file(fs, ino, sb);
		break;
	case KIND_LINK:
		r = read_target(fs, ino, target, &node);
		if (r == 0)
			attr_of_link(fs, ino, &node, strlen(target), sb);
		break;
	case KIND_QUERY_DIR:
		r = virtual_query_dir(fs, ino, &dir);
		/* fall through */
	case KIND_ORIGINALS:
		if (kind_of(ino) == KIND_ORIGINALS)
			dir.partition = id_of(ino);
		/* fall through */
	case KIND_FEED_DIR:
		if (r == 0)
			r = store_get_node(fs->st, dir.partition, &node);
		if (r == 0)
			set_common(fs, sb, ino, S_IFDIR | 0555, node.mtime);
		break;
	default:
		r = -ESTALE;
	}
	return r == -ENOENT ? -ESTALE : r;
}

int
virtual_open(struct fs *fs, uint64_t ino, int flags, struct stream **ret_stream)
{
	int r;

	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		return -EPERM;
	if (kind_of(ino) != KIND_FILE)
		return -EISDIR;
	r = stream_open(fs->st, (enum stream_kind)parameter_of(ino), id_of(ino), ret_stream);
	return r == -ENOENT ? -ESTALE : r;
}
