#include "fs/tree.h"

#include <stdio.h>
#include <string.h>

#define INSTANCE (UINT64_C(1) << 61)
#define REAL (UINT64_C(1) << 62)
#define CATALOG_BITS 48
#define CATALOG_MASK ((UINT64_C(1) << CATALOG_BITS) - 1)
#define VERSION_MASK UINT64_C(0x1fff)

bool
tree_is_fixed(uint64_t node)
{
	return node >= TREE_ROOT && node < TREE_FIXED_END;
}

bool
tree_is_outside(uint64_t node)
{
	return tree_is_fixed(node) && node != TREE_SERVICE && node != TREE_IMPORT && !tree_is_real(node);
}

bool
tree_is_closed(uint64_t node)
{
	return tree_is_fixed(node) && node != TREE_IMPORT;
}

bool
tree_is_queue(uint64_t node)
{
	return node == TREE_IMPORT_QUEUE || node == TREE_ERROR_QUEUE;
}

bool
tree_is_real(uint64_t node)
{
	return node == TREE_ERRORS || node == TREE_HEALTH || (node & (TREE_LOCAL | REAL)) == REAL;
}

uint64_t
tree_real_node(uint64_t ino)
{
	return REAL | (ino & (INSTANCE - 1));
}

bool
tree_is_local(uint64_t node)
{
	return (node & TREE_LOCAL) != 0;
}

bool
tree_is_local_dir(uint64_t node)
{
	return (node & TREE_LOCAL_DIR) == TREE_LOCAL_DIR;
}

bool
tree_is_virtual(uint64_t node)
{
	return node >> 60 == TREE_VIRTUAL >> 60;
}

bool
tree_is_instance(uint64_t node)
{
	return (node & (TREE_LOCAL | REAL)) == 0 && (node & INSTANCE) != 0;
}

uint64_t
tree_instance_node(uint64_t catalog_id, uint64_t watermark)
{
	if (catalog_id > CATALOG_MASK)
		return 0;
	return INSTANCE | (watermark & VERSION_MASK) << CATALOG_BITS | catalog_id;
}

uint64_t
tree_catalog_id(uint64_t node)
{
	return tree_is_instance(node) ? node & CATALOG_MASK : node;
}

bool
tree_same_version(uint64_t node, uint64_t watermark)
{
	return (node >> CATALOG_BITS & VERSION_MASK) == (watermark & VERSION_MASK);
}

uint64_t
tree_ino(uint64_t node)
{
	return tree_catalog_id(node);
}

uint64_t
tree_dir_offset(uint64_t node)
{
	if (tree_is_local(node))
		return (node & ~TREE_LOCAL) | TREE_OFFSET_LOCAL;
	return tree_catalog_id(node);
}

bool
tree_public_name(enum store_level parent, const char *name, char ret_key[UID_TEXT_MAX])
{
	size_t len = strlen(name);

	switch (parent) {
	case STORE_ROOT:
		if (!store_name_is_valid(name))
			return false;
		break;
	case STORE_PARTITION:
	case STORE_STUDY:
		if (!uid_is_valid(name, len))
			return false;
		break;
	case STORE_SERIES:
		if (len <= strlen(TREE_SUFFIX) ||
		    strcmp(name + len - strlen(TREE_SUFFIX), TREE_SUFFIX) != 0)
			return false;
		len -= strlen(TREE_SUFFIX);
		if (!uid_is_valid(name, len))
			return false;
		break;
	default:
		return false;
	}
	if (len >= UID_TEXT_MAX)
		return false;
	memcpy(ret_key, name, len);
	ret_key[len] = '\0';
	return true;
}

static void
set_fixed(struct tree *tree, uint64_t id, uint64_t parent, bool is_dir, const char *name)
{
	struct tree_fixed *f = &tree->fixed[id];

	f->id = id;
	f->parent = parent;
	f->is_dir = is_dir;
	snprintf(f->name, sizeof f->name, "%s", name);
}

void
tree_init(struct tree *tree, const char *workspace, const char *service)
{
	char area[sizeof tree->fixed[0].name];

	memset(tree, 0, sizeof *tree);
	snprintf(area, sizeof area, "AHDS_%.*s-%.*s", STORE_NAME_MAX, workspace, STORE_NAME_MAX, service);
	set_fixed(tree, TREE_ROOT, TREE_ROOT, true, "");
	set_fixed(tree, TREE_AHDS, TREE_ROOT, true, "AHDS");
	set_fixed(tree, TREE_WORKSPACE, TREE_AHDS, true, workspace);
	set_fixed(tree, TREE_DICOM, TREE_WORKSPACE, true, "dicom");
	set_fixed(tree, TREE_SERVICE, TREE_DICOM, true, service);
	set_fixed(tree, TREE_AREA, TREE_ROOT, true, area);
	set_fixed(tree, TREE_IMPORT, TREE_AREA, true, "import-container");
	set_fixed(tree, TREE_ERRORS, TREE_AREA, true, "error-container");
	set_fixed(tree, TREE_HEALTH, TREE_SERVICE, true, STORE_HEALTH_DIR);
	set_fixed(tree, TREE_IMPORT_QUEUE, TREE_AREA, false, "import-queue");
	set_fixed(tree, TREE_ERROR_QUEUE, TREE_AREA, false, "error-queue");
}

const struct tree_fixed *
tree_fixed_at(const struct tree *tree, uint64_t node)
{
	return tree_is_fixed(node) ? &tree->fixed[node] : NULL;
}

const struct tree_fixed *
tree_fixed_child(const struct tree *tree, uint64_t parent, const char *name)
{
	uint64_t i;

	for (i = TREE_AHDS; i < TREE_FIXED_END; i++)
		if (tree->fixed[i].parent == parent && strcmp(tree->fixed[i].name, name) == 0)
			return &tree->fixed[i];
	return NULL;
}
