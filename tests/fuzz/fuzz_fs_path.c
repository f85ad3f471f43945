/* Names from users: as public names, as mount options, and as a story of what
 * is made, stored, moved, removed in the table of lingering names, whose counts must
 * agree at every step. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fs/alias.h"
#include "fs/inode.h"
#include "fs/options.h"
#include "fs/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_names(const char *text)
{
	char key[UID_TEXT_MAX];
	struct fs_mount_options o;
	struct err err;
	int level;

	for (level = STORE_ROOT; level <= STORE_INSTANCE; level++)
		if (tree_public_name((enum store_level)level, text, key)) {
			/* A key becomes part of a path. */
			assert(strlen(key) > 0 && strchr(key, '/') == NULL);
			assert(strcmp(key, ".") != 0 && strcmp(key, "..") != 0);
		}
	if (fs_mount_options_parse(text, &o, &err) == 0)
		fs_mount_options_fini(&o);
}

static void
check(struct nodes *t, const struct node *dir)
{
	const struct node *n;
	unsigned listed = 0;
	size_t named = 0;

	for (n = dir->dirs; n != NULL; n = n->next) {
		assert(n->parent == dir && n->named && n->kind == NODE_DIR);
		assert(node_child_locked(t, dir->id, n->name) == n);
		assert(n->next == NULL || n->next->id > n->id);
		listed += n->listed;
		named++;
		check(t, n);
	}
	for (n = dir->files; n != NULL; n = n->next) {
		assert(n->parent == dir && n->named && n->kind == NODE_FILE);
		assert(node_child_locked(t, dir->id, n->name) == n);
		named++;
	}
	assert(listed == dir->listed_dirs && named <= dir->children);
}

#define SLOTS 16

/* The node in a slot, if it is alive still. */
static struct node *
pick(struct nodes *t, const uint64_t *slots, uint8_t i)
{
	return node_find_locked(t, slots[i % SLOTS]);
}

static struct node *
pick_dir(struct nodes *t, const uint64_t *slots, uint8_t i, struct node *top)
{
	struct node *n = pick(t, slots, i);

	return n != NULL && n->kind != NODE_FILE && n->named ? n : top;
}

static void
story(const uint8_t *p, size_t size)
{
	static const char *const names[] = { "a", "b", ".c", "1.2", "1.2.3", "x.dcm", "P", "" };
	struct nodes *t = nodes_new(8, NULL, NULL);
	uint64_t slots[SLOTS] = { 0 }, listing, next_id = STORE_FIRST_ID;
	struct node *top, *partition, *n, *dir;
	const char *name;

	nodes_lock(t);
	top = node_add_catalog_locked(t, NULL, TREE_SERVICE, STORE_ROOT, "");
	partition = node_add_catalog_locked(t, top, next_id++, STORE_PARTITION, "P");
	partition->u.catalog.lookups = 1;
	for (; size >= 4; p += 4, size -= 4) {
		name = names[p[3] % 7];
		dir = pick_dir(t, slots, p[1], partition);
		n = pick(t, slots, p[2]);
		switch (p[0] % 12) {
		case 0:
		case 1:
			if (node_child_locked(t, dir->id, name) != NULL || dir == top)
				break;
			if (node_add_local_locked(t, dir, name, p[0] % 12 == 0 ? NODE_FILE : NODE_DIR, &n) == 0) {
				if (n->kind == NODE_DIR)
					node_set_listed_locked(n, true);
				slots[p[2] % SLOTS] = n->id;
				node_review_locked(t, n);
			}
			break;
		case 2:
			n = dir->kind == NODE_CATALOG && dir != top ?
				node_add_catalog_locked(t, dir, next_id, STORE_STUDY, name) : NULL;
			if (n != NULL) {
				n->u.catalog.lookups++;
				slots[p[2] % SLOTS] = next_id++;
			}
			break;
		case 3:
			if (n != NULL && n != partition)
				node_forget_locked(t, n->id, 1);
			break;
		case 4:
			if (n != NULL && n->kind == NODE_FILE && n->named)
				node_unname_locked(t, n);
			break;
		case 5:
			if (n != NULL && n->kind == NODE_DIR && n->named)
				alias_remove_dir_locked(t, n);
			break;
		case 6:
			if (n != NULL && n->kind != NODE_CATALOG && n->named)
				alias_move_locked(t, n, dir, name);
			break;
		case 7:
			if (n != NULL && n->kind == NODE_FILE)
				node_set_instance_locked(t, n, 1 + p[3] % 3, p[1] % 3);
			break;
		case 8:
			alias_drop_instance_locked(t, 1 + p[3] % 3, p[1] % 3);
			break;
		case 9:
			if (n != NULL && n->kind == NODE_CATALOG && n != partition && n != top && n->named)
				node_vanish_locked(t, n, 1 + p[3]);
			break;
		case 10:
			nodes_expire_locked(t, p[3]);
			break;
		default:
			while (n != NULL && n->named && alias_use_next_locked(t, n, &listing))
				;
			break;
		}
		check(t, top);
		check(t, partition);
		node_resolve_locked(t, slots[p[1] % SLOTS]);
	}
	nodes_unlock(t);
	nodes_free(t, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_names(text);
	free(text);
	story(data, size);
	return 0;
}
