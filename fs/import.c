#include "fs/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cond.h"
#include "base/log.h"
#include "fs/notify.h"

bool
import_holds_locked(struct node *n)
{
	const struct node *top = alias_top_locked(n);

	return top != NULL && top->id == TREE_IMPORT;
}

/* -ENAMETOOLONG: a directory above was renamed, which made it that long. */
static int
whole_path(const struct node *n, char path[STORE_IMPORT_PATH_MAX + 1])
{
	char *at = path + STORE_IMPORT_PATH_MAX;
	size_t len;

	*at = '\0';
	for (; n != NULL && n->id != TREE_IMPORT; n = n->parent) {
		len = strlen(n->name);
		if ((size_t)(at - path) < len + 1)
			return -ENAMETOOLONG;
		if (*at != '\0')
			*--at = '/';
		at -= len;
		memcpy(at, n->name, len);
	}
	memmove(path, at, strlen(at) + 1);
	return 0;
}

void
import_path_locked(const struct node *n, char path[STORE_IMPORT_PATH_MAX + 1])
{
	if (whole_path(n, path) < 0)
		snprintf(path, STORE_IMPORT_PATH_MAX + 1, "%s", n->name);
}

int
import_check_name_locked(struct node *dir, const char *name)
{
	char path[STORE_IMPORT_PATH_MAX + 1];

	if (!import_holds_locked(dir))
		return 0;
	if (strlen(name) > STORE_IMPORT_NAME_MAX || whole_path(dir, path) < 0 ||
	    strlen(path) + 1 + strlen(name) >= STORE_IMPORT_PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* -- refusing ------------------------------------------------------------- */

/* The directories above have nothing to wait for. */
static void
use_dirs(struct fs *fs, uint64_t node)
{
	uint64_t listing;
	struct node *n;
	bool more;

	do {
		nodes_lock(fs->nodes);
		n = node_find_locked(fs->nodes, node);
		more = n != NULL && n->named && alias_use_next_locked(fs->nodes, n, &listing);
		nodes_unlock(fs->nodes);
		if (more)
			notify_dir(fs, listing, true);
	} while (more);
}

/* The file's name now; -ENOENT: it has none, so nobody wants it. */
static int
name_of(struct fs *fs, uint64_t node, char path[STORE_IMPORT_PATH_MAX + 1])
{
	struct node *n;
	int r = -ENOENT;

	nodes_lock(fs->nodes);
	n = node_find_locked(fs->nodes, node);
	if (n != NULL && n->kind == NODE_FILE && n->named) {
		import_path_locked(n, path);
		r = 0;
	}
	nodes_unlock(fs->nodes);
	return r;
}

/* Whoever looks waits for the end of it, which waits for nobody. */
static void
begin_refusal(struct fs *fs)
{
	pthread_mutex_lock(&fs->handles_lock);
	fs->n_refusing++;
	pthread_mutex_unlock(&fs->handles_lock);
}

static void
end_refusal(struct fs *fs)
{
	pthread_mutex_lock(&fs->handles_lock);
	fs->n_refusing--;
	pthread_cond_broadcast(&fs->none_expected);
	pthread_mutex_unlock(&fs->handles_lock);
}

static void
refused(struct fs *fs, uint64_t node, const char *path, int kept, const struct err *err)
{
	struct node *n;

	nodes_lock(fs->nodes);
	n = node_find_locked(fs->nodes, node);
	if (n != NULL && n->kind == NODE_FILE) {
		free(n->u.file.error);
		free(n->u.file.kept);
		n->u.file.error = strdup(err_text(err));
		n->u.file.kept = kept == 0 ? strdup(path) : NULL;
		if (n->u.file.kept == NULL)
			n->size = 0;
	}
	nodes_unlock(fs->nodes);
	use_dirs(fs, node);
	import_follow(fs, node);
}

void
import_refuse(struct fs *fs, struct node *file, struct receive *rc, const struct ingest_result *result,
	      const struct err *err)
{
	char path[STORE_IMPORT_PATH_MAX + 1];
	uint64_t size;
	int r;

	begin_refusal(fs);
	if (name_of(fs, file->id, path) == 0) {
		size = receive_size(rc);
		r = receive_refuse(rc, path, result, err);
		if (r != -EALREADY) {
			store_record_import(fs->st, path, size);
			refused(fs, file->id, path, r, err);
		}
	}
	end_refusal(fs);
}

void
import_refuse_fd(struct fs *fs, uint64_t node, int fd, const struct ingest_result *result, const struct err *err)
{
	char path[STORE_IMPORT_PATH_MAX + 1];

	begin_refusal(fs);
	if (name_of(fs, node, path) == 0)
		refused(fs, node, path, store_refuse_import(fs->st, fd, path, result, err), err);
	end_refusal(fs);
}

void
import_follow(struct fs *fs, uint64_t node)
{
	char path[STORE_IMPORT_PATH_MAX + 1], *from;
	struct node *n;
	int r;

	for (;;) {
		from = NULL;
		nodes_lock(fs->nodes);
		n = node_find_locked(fs->nodes, node);
		if (n != NULL && n->kind == NODE_FILE && n->named && n->u.file.kept != NULL)
			import_path_locked(n, path);
		else
			n = NULL;
		if (n != NULL && strcmp(path, n->u.file.kept) != 0) {
			from = n->u.file.kept;
			n->u.file.kept = strdup(path);
		}
		nodes_unlock(fs->nodes);
		if (from == NULL)
			return;
		r = store_rename_refused(fs->st, from, path);
		if (r < 0 && r != -ENOENT)
			log_error("import: cannot rename a refused file: %s", strerror(-r));
		free(from);
	}
}

/* -- who looks ------------------------------------------------------------ */

void
import_expect(struct fs *fs, struct handle *h)
{
	pthread_mutex_lock(&fs->handles_lock);
	if (!h->expected) {
		h->expected = true;
		fs->n_expected++;
	}
	pthread_mutex_unlock(&fs->handles_lock);
}

void
import_expected(struct fs *fs, struct handle *h)
{
	pthread_mutex_lock(&fs->handles_lock);
	if (h->expected) {
		h->expected = false;
		if (--fs->n_expected == 0)
			pthread_cond_broadcast(&fs->none_expected);
	}
	pthread_mutex_unlock(&fs->handles_lock);
}

void
import_wait(struct fs *fs)
{
	struct timespec until = cond_deadline(IMPORT_PATIENCE_MS);
	struct handle *h;

	pthread_mutex_lock(&fs->handles_lock);
	while (fs->n_expected > 0)
		if (pthread_cond_timedwait(&fs->none_expected, &fs->handles_lock, &until) != 0)
			break;
	/* They are open still: nobody waits for them again. */
	if (fs->n_expected > 0) {
		for (h = fs->handles; h != NULL; h = h->next)
			h->expected = false;
		fs->n_expected = 0;
		pthread_cond_broadcast(&fs->none_expected);
	}
	until = cond_deadline(IMPORT_REFUSING_MS);
	while (fs->n_refusing > 0)
		if (pthread_cond_timedwait(&fs->none_expected, &fs->handles_lock, &until) != 0)
			break;
	pthread_mutex_unlock(&fs->handles_lock);
}
