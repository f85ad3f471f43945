/* tree.h: the shape of the mounted tree, and what its node numbers mean.
 *
 *   1                      the root of the mount
 *   2 .. TREE_FIXED_END    the directories above the partitions, and the queues
 *   STORE_FIRST_ID ..      a partition, study or series: its catalog id as it is
 *   bit 61 set             an instance: catalog id in the low 48 bits, above
 *                          them 13 bits of the watermark
 *   bit 60, none above it  a virtual name (virtual.h)
 *   bit 62 set             a real file of the store's, in the error-container or healthCheck (real.h)
 *   bit 63 set             a name that lives in this mount only (inode.h); bit 62 too: a directory
 *   bit 59, none above it  a directory above the services, where there are several
 *
 * Where a mount shows several services, bits 40 to 47 of all but the directories above them are the service's
 * number (store_number): so the kernel knows a node (outer), while all that works for one service
 * knows it without (inner).  Ids have 40 bits then, and 48 where a store is alone.
 *
 * Instances carry their version in the node number (never in st_ino, which is
 * the catalog id) so that the bytes behind one node never change: a replaced
 * instance is another node.  So the page cache of a node is always right, one
 * backing file does for all opens of it, and who has the old one open keeps it.
 *
 * Nothing here knows FUSE or keeps state.
 */
#ifndef FS_TREE_H
#define FS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

enum {
	TREE_ROOT = 1,
	TREE_AHDS,
	TREE_WORKSPACE,
	TREE_DICOM,
	TREE_SERVICE,			/* partitions are below this one: STORE_ROOT */
	TREE_AREA,			/* AHDS_<workspace>-<service> */
	TREE_IMPORT,			/* import-container: users put files in it */
	TREE_ERRORS,			/* error-container */
	TREE_HEALTH,			/* healthCheck in the service directory; not listed */
	TREE_IMPORT_QUEUE,
	TREE_ERROR_QUEUE,
	TREE_FIXED_END,
};

#define TREE_LOCAL (UINT64_C(1) << 63)
#define TREE_LOCAL_DIR (TREE_LOCAL | UINT64_C(1) << 62)
#define TREE_VIRTUAL (UINT64_C(1) << 60)
#define TREE_UPPER (UINT64_C(1) << 59)
#define TREE_NAME_MAX 255
#define TREE_SUFFIX ".dcm"

/* service 0: it is alone, and nodes are what they are. */
uint64_t tree_outer(unsigned service, uint64_t node);
uint64_t tree_inner(uint64_t outer);
unsigned tree_service(uint64_t outer);		/* 0: above the services */
/* Can the id be told with a number of a service in it? */
bool tree_fits(unsigned service, uint64_t id);
/* The root, AHDS, or one of those between it and the services. */
bool tree_is_upper(uint64_t node);

bool tree_is_fixed(uint64_t node);
/* Fixed, and what is in it is fixed too. */
bool tree_is_outside(uint64_t node);
/* Fixed, and users cannot put files in it. */
bool tree_is_closed(uint64_t node);
bool tree_is_queue(uint64_t node);
/* The error-container, healthCheck, or something in them. */
bool tree_is_real(uint64_t node);
/* several: leave room for a number. */
uint64_t tree_real_node(uint64_t ino, bool several);
bool tree_is_local(uint64_t node);
bool tree_is_local_dir(uint64_t node);
bool tree_is_virtual(uint64_t node);
bool tree_is_instance(uint64_t node);
/* 0 when the id is past 48 bits. */
uint64_t tree_instance_node(uint64_t catalog_id, uint64_t watermark);
uint64_t tree_catalog_id(uint64_t node);
bool tree_same_version(uint64_t node, uint64_t watermark);
/* What stat shows. */
uint64_t tree_ino(uint64_t node);
/* Where a listing goes on after this child.  Catalog ids are their own
 * offsets; local names come after all of them, and none is negative. */
uint64_t tree_dir_offset(uint64_t node);
#define TREE_OFFSET_LOCAL (UINT64_C(1) << 62)
#define TREE_OFFSET_DOT 1
#define TREE_OFFSET_DOTDOT 2

/* Could the catalog ever have a child of this name below a parent of this
 * level?  Then *ret_key is the name the store knows it by.  STORE_ROOT is the
 * service directory.  An answer of no is what makes negative entries safe to
 * cache, and spares the store the question. */
bool tree_public_name(enum store_level parent, const char *name, char ret_key[UID_TEXT_MAX]);

/* The fixed nodes: those of a service, or of what is above several. */
struct tree_fixed {
	uint64_t id;			/* inner; 0 unused */
	uint64_t parent;
	unsigned service;		/* whose node it is; 0: the tree's own */
	bool is_dir;
	char name[2 * STORE_NAME_MAX + 16];
};
struct tree {
	struct tree_fixed *fixed;	/* the first TREE_FIXED_END by id */
	size_t n, cap;
};
/* several: what is above the service is in another tree.  -ENOMEM. */
int  tree_init(struct tree *tree, const char *workspace, const char *service, bool several);
/* The tree above all, with no service in it yet. */
int  tree_init_upper(struct tree *tree);
/* -ENOMEM; -EEXIST: its workspace would have the node of another. */
int  tree_add_service(struct tree *tree, unsigned number, const char *workspace, const char *service);
void tree_fini(struct tree *tree);
/* NULL: no such. */
const struct tree_fixed *tree_fixed_at(const struct tree *tree, uint64_t node);
const struct tree_fixed *tree_fixed_child(const struct tree *tree, uint64_t parent, const char *name);

#endif
