#include "fs/real.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/private.h"
#include "store/import.h"

#define BUCKETS 256

struct real {
	struct real *next;
	uint64_t node;
	uint64_t lookups;		/* of the kernel */
	char *path;			/* below the store's directory, as last seen */
};

struct real_table {
	pthread_mutex_t lock;		/* guards the buckets and what is in them; a leaf */
	struct real *buckets[BUCKETS];
};

struct real_table *
real_table_new(void)
{
	struct real_table *t = calloc(1, sizeof *t);

	if (t != NULL)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void
real_free(struct real *n)
{
	free(n->path);
	free(n);
}

void
real_table_free(struct real_table *t)
{
	struct real *n;
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < BUCKETS; i++)
		while ((n = t->buckets[i]) != NULL) {
			t->buckets[i] = n->next;
			real_free(n);
		}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct real **
find_locked(struct real_table *t, uint64_t node)
{
	struct real **p = &t->buckets[(node ^ node >> 8) % BUCKETS];

	while (*p != NULL && (*p)->node != node)
		p = &(*p)->next;
	return p;
}

/* NULL: it is not fixed. */
static const char *
root_path(struct fs *fs, uint64_t node)
{
	if (node == TREE_ERRORS)
		return STORE_ERROR_CONTAINER;
	return node == TREE_HEALTH ? fs->health_path : NULL;
}

static int
path_of(struct fs *fs, uint64_t node, char path[PATH_MAX])
{
	const char *root = root_path(fs, node);
	struct real *n;
	int r = 0;

	if (root != NULL) {
		snprintf(path, PATH_MAX, "%s", root);
		return 0;
	}
	pthread_mutex_lock(&fs->real->lock);
	n = *find_locked(fs->real, node);
	if (n != NULL)
		snprintf(path, PATH_MAX, "%s", n->path);
	else
		r = -ESTALE;
	pthread_mutex_unlock(&fs->real->lock);
	return r;
}

static int
child_path(struct fs *fs, uint64_t dir, const char *name, char path[PATH_MAX])
{
	size_t len;
	int r = path_of(fs, dir, path);

	if (r < 0)
		return r;
	len = strlen(path);
	return (size_t)snprintf(path + len, PATH_MAX - len, "/%s", name) < PATH_MAX - len ? 0 : -ENAMETOOLONG;
}

/* One lookup more of what lies at path. */
static int
count_lookup(struct fs *fs, uint64_t node, const char *path)
{
	struct real_table *t = fs->real;
	struct real **p, *n;
	char *copy;
	int r = 0;

	if (root_path(fs, node) != NULL)
		return 0;
	copy = strdup(path);
	if (copy == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&t->lock);
	p = find_locked(t, node);
	n = *p;
	if (n == NULL) {
		n = calloc(1, sizeof *n);
		if (n != NULL) {
			n->node = node;
			*p = n;
		}
	}
	if (n != NULL) {
		free(n->path);
		n->path = copy;
		n->lookups++;
	} else {
		free(copy);
		r = -ENOMEM;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

void
real_forget(struct fs *fs, uint64_t node, uint64_t count)
{
	struct real **p, *n;

	pthread_mutex_lock(&fs->real->lock);
	p = find_locked(fs->real, node);
	n = *p;
	if (n != NULL) {
		n->lookups -= count < n->lookups ? count : n->lookups;
		if (n->lookups == 0) {
			*p = n->next;
			real_free(n);
		}
	}
	pthread_mutex_unlock(&fs->real->lock);
}

/* What is below, as what the mount's options say of owners and modes. */
static void
show(struct fs *fs, uint64_t node, struct stat *sb)
{
	bool is_dir = S_ISDIR(sb->st_mode);

	sb->st_ino = tree_ino(node);
	sb->st_mode = (is_dir ? S_IFDIR | 0777 : S_IFREG | 0444) & ~fs->mount->options.umask;
	sb->st_nlink = is_dir ? 2 : 1;
	sb->st_uid = fs->mount->options.uid;
	sb->st_gid = fs->mount->options.gid;
	sb->st_blksize = 128 << 10;
	if (is_dir)
		sb->st_size = sb->st_blocks = 0;	/* as all directories here (attr.c) */
}

/* Nothing but files and directories is shown. */
static int
stat_path(struct fs *fs, const char *path, struct stat *sb, uint64_t *ret_node)
{
	if (fstatat(store_dir(fs->st), path, sb, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (!S_ISREG(sb->st_mode) && !S_ISDIR(sb->st_mode))
		return -ENOENT;
	*ret_node = tree_real_node(sb->st_ino, fs->number != 0);
	return 0;
}

static void
fill(struct fs *fs, uint64_t node, const struct stat *sb, struct fuse_entry_param *e)
{
	entry_init(e, node, 0);
	e->attr = *sb;
	show(fs, node, &e->attr);
}

int
real_lookup(struct fs *fs, uint64_t dir, const char *name, struct fuse_entry_param *e)
{
	char path[PATH_MAX];
	struct stat sb;
	uint64_t node;
	int r = child_path(fs, dir, name, path);

	if (r == 0)
		r = stat_path(fs, path, &sb, &node);
	if (r == 0)
		r = count_lookup(fs, node, path);
	if (r == 0)
		fill(fs, node, &sb, e);
	return r;
}

/* Where the node lies, if it is still what lies there. */
static int
find(struct fs *fs, uint64_t node, char path[PATH_MAX], struct stat *sb)
{
	uint64_t now;
	int r = path_of(fs, node, path);

	if (r == 0)
		r = stat_path(fs, path, sb, &now);
	if (r == -ENOENT || (r == 0 && now != node && root_path(fs, node) == NULL))
		r = -ESTALE;
	return r;
}

int
real_lookup_self(struct fs *fs, uint64_t node, struct fuse_entry_param *e)
{
	char path[PATH_MAX];
	struct stat sb;
	int r;

	if (root_path(fs, node) != NULL) {
		entry_init(e, node, 0);
		return real_stat(fs, node, &e->attr);
	}
	r = find(fs, node, path, &sb);
	if (r == 0)
		r = count_lookup(fs, node, path);
	if (r == 0)
		fill(fs, node, &sb, e);
	return r;
}

int
real_parent(struct fs *fs, uint64_t node, uint64_t *ret_parent)
{
	char path[PATH_MAX];
	uint64_t root;
	struct stat sb;
	char *slash;
	int r = find(fs, node, path, &sb);

	if (r < 0)
		return r;
	slash = strrchr(path, '/');
	*slash = '\0';
	for (root = TREE_ROOT; root < TREE_FIXED_END; root++)
		if (root_path(fs, root) != NULL && strcmp(path, root_path(fs, root)) == 0) {
			*ret_parent = root;
			return 0;
		}
	return stat_path(fs, path, &sb, ret_parent);
}

int
real_stat(struct fs *fs, uint64_t node, struct stat *ret_sb)
{
	char path[PATH_MAX];
	int r = find(fs, node, path, ret_sb);

	if (r == -ESTALE && node == TREE_ERRORS) {
		/* Made with the first file in it. */
		memset(ret_sb, 0, sizeof *ret_sb);
		ret_sb->st_mode = S_IFDIR;
		r = 0;
	}
	if (r == 0)
		show(fs, node, ret_sb);
	return r;
}

int
real_open(struct fs *fs, uint64_t node, int flags, int *ret_fd)
{
	char path[PATH_MAX];
	struct stat sb;
	int fd, r = find(fs, node, path, &sb);

	if (r < 0)
		return r;
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		return -EPERM;
	fd = openat(store_dir(fs->st), path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	*ret_fd = fd;
	return 0;
}

int
real_remove(struct fs *fs, uint64_t dir, const char *name, bool is_dir)
{
	char path[PATH_MAX];
	int r = child_path(fs, dir, name, path);

	if (r == 0 && strncmp(path, STORE_ERROR_CONTAINER, strlen(STORE_ERROR_CONTAINER)) != 0)
		r = -EPERM;		/* the service's own */
	if (r == 0 && unlinkat(store_dir(fs->st), path, is_dir ? AT_REMOVEDIR : 0) < 0)
		r = -errno;
	return r;
}

int
real_list(struct fs *fs, uint64_t dir, uint64_t off,
	  int (*fn)(void *ctx, const char *name, const struct stat *sb, uint64_t off), void *ctx)
{
	char path[PATH_MAX];
	struct dirent *e;
	struct stat sb;
	DIR *d = NULL;
	int fd, r = path_of(fs, dir, path);

	if (r < 0)
		return r;
	fd = openat(store_dir(fs->st), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		d = fdopendir(fd);
	if (d == NULL) {
		r = errno == ENOENT ? 0 : -errno;	/* empty, as any removed directory */
		if (fd >= 0)
			close(fd);
		return r;
	}
	if (off != 0)
		seekdir(d, (long)off);
	while (r == 0 && (e = readdir(d)) != NULL) {
		memset(&sb, 0, sizeof sb);
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			sb.st_mode = S_IFDIR;
		else if (fstatat(dirfd(d), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) < 0 ||
			 (!S_ISREG(sb.st_mode) && !S_ISDIR(sb.st_mode)))
			continue;
		sb.st_ino = tree_ino(tree_real_node(e->d_ino, fs->number != 0));
		r = fn(ctx, e->d_name, &sb, (uint64_t)e->d_off);
	}
	closedir(d);
	return r;
}
