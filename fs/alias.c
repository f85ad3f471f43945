#include "fs/alias.h"

#include <errno.h>
#include <string.h>

#include "fs/tree.h"

struct node *
alias_top_locked(struct node *n)
{
	while (n->parent != NULL && n->parent->id != TREE_SERVICE)
		n = n->parent;
	return n->parent != NULL || n->id == TREE_IMPORT ? n : NULL;
}

bool
alias_use_next_locked(struct nodes *t, struct node *n, uint64_t *ret_listing)
{
	struct node *d;

	for (d = n; d != NULL && d->kind != NODE_CATALOG; d = d->parent) {
		bool was_listed = d->listed;

		if (d->kind != NODE_DIR || d->u.dir.used)
			continue;
		d->u.dir.used = true;
		node_set_listed_locked(d, false);
		*ret_listing = d->parent->id;
		node_review_locked(t, d);
		if (was_listed)
			return true;
	}
	return false;
}

/* Is there something below that a user would miss?  -ENOTEMPTY a directory, -EBUSY open files only. */
static int
check_unused(const struct node *dir)
{
	const struct node *d = dir, *f;
	int r = 0;

	/* depth first, by the links, as names nest without a limit */
	for (;;) {
		if (d != dir && d->listed)
			return -ENOTEMPTY;
		for (f = d->files; f != NULL; f = f->next)
			if (f->u.file.opens > 0)
				r = -EBUSY;
		if (d->dirs != NULL) {
			d = d->dirs;
			continue;
		}
		while (d != dir && d->next == NULL)
			d = d->parent;
		if (d == dir)
			return r;
		d = d->next;
	}
}

int
alias_remove_dir_locked(struct nodes *t, struct node *dir)
{
	struct node *d;
	int r = check_unused(dir);

	/* rsync --delay-updates tries to remove its .~tmp~ after every rename
	 * and counts on being refused until the last. */
	if (dir->name[0] == '.' && dir->children > 0)
		return -ENOTEMPTY;
	if (r < 0)
		return r;
	for (;;) {
		for (d = dir; d->dirs != NULL; )
			d = d->dirs;
		while (d->files != NULL)
			node_unname_locked(t, d->files);
		if (d == dir)
			break;
		node_unname_locked(t, d);
	}
	node_unname_locked(t, dir);
	return 0;
}

static bool
is_at_or_below(const struct node *n, const struct node *top)
{
	while (n != NULL && n != top)
		n = n->parent;
	return n != NULL;
}

int
alias_move_locked(struct nodes *t, struct node *n, struct node *parent, const char *name)
{
	struct node *old = node_child_locked(t, parent->id, name);
	const struct node *from = alias_top_locked(n), *to = alias_top_locked(parent);
	int r = 0;

	if (from == NULL || to == NULL || from != to || from == n)
		return -EXDEV;
	if (old == n)
		return 0;
	if (is_at_or_below(parent, n))
		return -EINVAL;
	if (old != NULL && is_at_or_below(n, old))
		return -ENOTEMPTY;
	if (old != NULL) {
		if (old->kind == NODE_CATALOG)
			return -EPERM;
		if (old->kind == NODE_FILE && n->kind == NODE_DIR)
			return -ENOTDIR;
		if (old->kind == NODE_DIR && n->kind == NODE_FILE)
			return -EISDIR;
		/* Removing it must not take the new parent along. */
		parent->children++;
		if (old->kind == NODE_DIR)
			r = alias_remove_dir_locked(t, old);
		else
			node_unname_locked(t, old);
		parent->children--;
		if (r < 0)
			return -ENOTEMPTY;
	}
	parent->children++;
	if (n->kind == NODE_FILE)
		n->u.file.opens++;	/* nor must losing its name free it */
	else
		n->children++;
	node_unname_locked(t, n);
	r = node_name_locked(t, n, parent, name);
	parent->children--;
	if (n->kind == NODE_FILE)
		n->u.file.opens--;
	else
		n->children--;
	node_review_locked(t, n);
	return r;
}

void
alias_drop_instance_locked(struct nodes *t, uint64_t instance, uint64_t keep)
{
	struct node *n, *next;

	for (n = node_of_instance_locked(t, instance, NULL); n != NULL; n = next) {
		next = node_of_instance_locked(t, instance, n);
		if (keep != 0 && n->u.file.watermark == keep)
			continue;
		/* Who has it open keeps what he reads. */
		node_tell_gone_locked(t, n);
		node_set_instance_locked(t, n, 0, 0);
		if (n->u.file.opens == 0)
			node_unname_locked(t, n);
	}
}
