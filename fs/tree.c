#include "fs/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/vec.h"

#define INSTANCE (UINT64_C(1) << 61)
#define REAL (UINT64_C(1) << 62)
#define CATALOG_BITS 48
#define CATALOG_MASK ((UINT64_C(1) << CATALOG_BITS) - 1)
#define VERSION_MASK UINT64_C(0x1fff)

#define SERVICE_SHIFT 40
#define SERVICE_MASK ((uint64_t)STORE_NUMBER_MAX << SERVICE_SHIFT)
#define LOW_MASK ((UINT64_C(1) << SERVICE_SHIFT) - 1)

bool
tree_is_upper(uint64_t node)
{
	return node == TREE_ROOT || node == TREE_AHDS || node >> 59 == TREE_UPPER >> 59;
}

uint64_t
tree_outer(unsigned service, uint64_t node)
{
	return service == 0 || node == 0 || tree_is_upper(node) ? node : node | (uint64_t)service << SERVICE_SHIFT;
}

uint64_t
tree_inner(uint64_t outer)
{
	return tree_service(outer) == 0 ? outer : outer & ~SERVICE_MASK;
}

unsigned
tree_service(uint64_t outer)
{
	return tree_is_upper(outer) ? 0 : (unsigned)((outer & SERVICE_MASK) >> SERVICE_SHIFT);
}

bool
tree_fits(unsigned service, uint64_t id)
{
	return service == 0 || id <= LOW_MASK;
}

bool
tree_is_fixed(uint64_t node)
{
	return (node >= TREE_ROOT && node < TREE_FIXED_END) || node >> 59 == TREE_UPPER >> 59;
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
tree_real_node(uint64_t ino, bool several)
{
	if (several)
		return REAL | (ino & LOW_MASK) | (ino >> SERVICE_SHIFT & VERSION_MASK) << CATALOG_BITS;
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

static int
init_fixed(struct tree *tree)
{
	memset(tree, 0, sizeof *tree);
	tree->fixed = calloc(TREE_FIXED_END, sizeof *tree->fixed);
	if (tree->fixed == NULL)
		return -ENOMEM;
	tree->n = tree->cap = TREE_FIXED_END;
	return 0;
}

static void
name_area(const char *workspace, const char *service, char area[sizeof ((struct tree_fixed *)0)->name])
{
	snprintf(area, sizeof ((struct tree_fixed *)0)->name, "AHDS_%.*s-%.*s", STORE_NAME_MAX, workspace, STORE_NAME_MAX,
		 service);
}

/* The directory of a workspace, or "dicom" in it.  Of its name alone: whatever else there is. */
static uint64_t
upper_node(const char *workspace, bool is_dicom)
{
	unsigned char hash[HASH_LEN];
	uint64_t bits = 0;
	size_t i;

	hash_bytes(workspace, strlen(workspace), hash);
	for (i = 0; i < sizeof bits; i++)
		bits = bits << 8 | hash[i];
	return TREE_UPPER | (bits & LOW_MASK >> 1) << 1 | is_dicom;
}

int
tree_init(struct tree *tree, const char *workspace, const char *service, bool several)
{
	char area[sizeof tree->fixed[0].name];
	int r = init_fixed(tree);

	if (r < 0)
		return r;
	name_area(workspace, service, area);
	if (!several) {
		set_fixed(tree, TREE_ROOT, TREE_ROOT, true, "");
		set_fixed(tree, TREE_AHDS, TREE_ROOT, true, "AHDS");
		set_fixed(tree, TREE_WORKSPACE, TREE_AHDS, true, workspace);
		set_fixed(tree, TREE_DICOM, TREE_WORKSPACE, true, "dicom");
	}
	set_fixed(tree, TREE_SERVICE, several ? upper_node(workspace, true) : TREE_DICOM, true, service);
	set_fixed(tree, TREE_AREA, TREE_ROOT, true, area);
	set_fixed(tree, TREE_IMPORT, TREE_AREA, true, "import-container");
	set_fixed(tree, TREE_ERRORS, TREE_AREA, true, "error-container");
	set_fixed(tree, TREE_HEALTH, TREE_SERVICE, true, STORE_HEALTH_DIR);
	set_fixed(tree, TREE_IMPORT_QUEUE, TREE_AREA, false, "import-queue");
	set_fixed(tree, TREE_ERROR_QUEUE, TREE_AREA, false, "error-queue");
	return 0;
}

int
tree_init_upper(struct tree *tree)
{
	int r = init_fixed(tree);

	if (r < 0)
		return r;
	set_fixed(tree, TREE_ROOT, TREE_ROOT, true, "");
	set_fixed(tree, TREE_AHDS, TREE_ROOT, true, "AHDS");
	return 0;
}

static int
add_fixed(struct tree *tree, uint64_t id, uint64_t parent, unsigned service, const char *name)
{
	int r = vec_room(&tree->fixed, &tree->cap, tree->n, sizeof *tree->fixed, 2 * TREE_FIXED_END);

	if (r < 0)
		return r;
	memset(&tree->fixed[tree->n], 0, sizeof *tree->fixed);
	tree->fixed[tree->n].service = service;
	set_fixed(tree, tree->n, parent, true, name);
	tree->fixed[tree->n++].id = id;
	return 0;
}

int
tree_add_service(struct tree *tree, unsigned number, const char *workspace, const char *service)
{
	uint64_t above = upper_node(workspace, false), dicom = upper_node(workspace, true);
	const struct tree_fixed *there = tree_fixed_at(tree, above);
	char area[sizeof tree->fixed[0].name];
	int r = 0;

	if (there != NULL && strcmp(there->name, workspace) != 0)
		return -EEXIST;
	if (there == NULL) {
		r = add_fixed(tree, above, TREE_AHDS, 0, workspace);
		if (r == 0)
			r = add_fixed(tree, dicom, above, 0, "dicom");
	}
	if (r == 0)
		r = add_fixed(tree, TREE_SERVICE, dicom, number, service);
	name_area(workspace, service, area);
	return r < 0 ? r : add_fixed(tree, TREE_AREA, TREE_ROOT, number, area);
}

void
tree_fini(struct tree *tree)
{
	free(tree->fixed);
	tree->fixed = NULL;
}

const struct tree_fixed *
tree_fixed_at(const struct tree *tree, uint64_t node)
{
	size_t i;

	if (node < TREE_FIXED_END)
		return tree->fixed[node].id != 0 ? &tree->fixed[node] : NULL;
	for (i = TREE_FIXED_END; i < tree->n; i++)
		if (tree->fixed[i].id == node)
			return &tree->fixed[i];
	return NULL;
}

const struct tree_fixed *
tree_fixed_child(const struct tree *tree, uint64_t parent, const char *name)
{
	uint64_t i;

	for (i = TREE_AHDS; i < tree->n; i++)
		if (tree->fixed[i].id != 0 && tree->fixed[i].parent == parent && strcmp(tree->fixed[i].name, name) == 0)
			return &tree->fixed[i];
	return NULL;
}
