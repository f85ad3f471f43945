/* inode.h: the nodes this mount has to remember, by number and by name.
 *
 * Instances need none: their number says everything.  What is here:
 *
 *   NODE_CATALOG  a partition, study or series the kernel has looked up (counted,
 *                 dropped when forgotten).  Known so that a change can be
 *                 turned into invalidations without asking the store.
 *   NODE_DIR      a directory that is in no catalog: made by mkdir, or left
 *                 behind for a moment by the removal of its last instance.
 *   NODE_FILE     a name a file was written under: the file while it is
 *                 written, afterwards an alias of the instance (alias.h).
 *
 * Names are found by (parent, name).  A node without a name is kept as long as
 * somebody uses it, then freed.
 *
 * Threads: one lock guards everything here and every field of every node;
 *          functions ending in _locked need it.  It is a leaf but for the lock
 *          of the notifier's queue: no verb of the store that waits is called with it held.
 */
#ifndef FS_INODE_H
#define FS_INODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "store/store.h"

enum node_kind { NODE_CATALOG, NODE_DIR, NODE_FILE };

struct receive;				/* receive.h */
struct pending;				/* settle.h */

struct node {
	uint64_t id;
	enum node_kind kind;
	bool named;
	bool listed;			/* NODE_DIR: shown in its parent's listing */
	bool permanent;
	struct node *parent;		/* NULL only for the service directory and unlinked files */
	char *name;

	/* of a directory */
	size_t children;		/* nodes whose parent this is, named or not */
	struct node *dirs;		/* named NODE_DIR children by rising id */
	struct node *files;		/* named NODE_FILE children, newest first */
	unsigned listed_dirs;

	int64_t mtime;
	uint64_t size;
	uint32_t mode;			/* permission bits */
	uint32_t uid, gid;

	union {
		struct {
			enum store_level level;
			uint64_t lookups;	/* of the kernel */
			uint64_t count;		/* children, as last seen */
			unsigned unsettled;	/* instances accepted, not committed, that change what is in it */
			pid_t writer;		/* the thread that creates files at or below it */
		} catalog;
		struct {
			bool used;		/* something below was ingested */
			uint64_t same_as;	/* the catalog has it by now; 0 no */
			int64_t expires;	/* monotonic ns; 0 never */
		} dir;
		struct {
			uint64_t instance;	/* 0 none, or not committed yet */
			uint64_t watermark;
			unsigned generation;	/* of accepted contents */
			unsigned opens;		/* handles */
			unsigned leaving;	/* those of them that are being released */
			struct receive *receive;	/* while open */
			struct pending *pending;	/* until committed */
			char *error;		/* why it was refused */
			char *kept;		/* its path in the error-container; NULL: it is not there */
		} file;
	} u;

	/* private to inode.c and alias.c */
	struct node *id_next, *name_next, *instance_next;
	struct node *prev, *next;	/* among the siblings */
	struct node *idle_prev, *idle_next;
	bool idle;
};

struct nodes;

/* gone(ctx, parent, name) is called, with the lock held, when a local name
 * goes away by itself and not by a request for it. */
struct nodes *nodes_new(size_t max_local, void (*gone)(void *ctx, uint64_t parent, const char *name),
			void *ctx);		/* NULL: no memory */
/* drop(file) is called for each file that holds a receive or a pending. */
void nodes_free(struct nodes *t, void (*drop)(struct node *file));
void nodes_lock(struct nodes *t);
void nodes_unlock(struct nodes *t);
/* Let go of the lock until a file has nobody any more who has it open.  false: `until` (cond.h) has come. */
bool nodes_wait_left_locked(struct nodes *t, const struct timespec *until);

struct node *node_find_locked(struct nodes *t, uint64_t id);
/* The node that stands for id now: a directory the catalog has taken over
 * leads to the catalog's.  The id alone, which need not be in the table. */
uint64_t node_resolve_locked(struct nodes *t, uint64_t id);
struct node *node_child_locked(struct nodes *t, uint64_t parent, const char *name);

/* Get or add a directory of the catalog.  A catalog node of the same name and
 * another id loses its name; a NODE_DIR of that name is taken over.  parent
 * NULL: the permanent top.  NULL: no memory. */
struct node *node_add_catalog_locked(struct nodes *t, struct node *parent, uint64_t id,
				     enum store_level level, const char *name);
/* A permanent directory of no catalog, with this number and without a name or parent.  NULL: no memory. */
struct node *node_add_top_locked(struct nodes *t, uint64_t id);
/* The name must be free.  -ENOMEM; -ENOSPC too many local names in use. */
int node_add_local_locked(struct nodes *t, struct node *parent, const char *name,
			  enum node_kind kind, struct node **ret_node);
/* Made now, by this user. */
void node_made_by(struct node *n, mode_t mode, uid_t uid, gid_t gid);
/* One less who has the file open; node_review_locked is left to do. */
void node_leave_file_locked(struct nodes *t, struct node *file);
/* n lookups less. */
void node_forget_locked(struct nodes *t, uint64_t id, uint64_t n);
/* Take the name away. */
void node_unname_locked(struct nodes *t, struct node *n);
/* Give it this name below parent; it must have none, and the name be free.
 * -ENOMEM leaves it without. */
int  node_name_locked(struct nodes *t, struct node *n, struct node *parent, const char *name);
/* Free it if nothing needs it; else put it among the idle ones, newest last,
 * or take it out of them, as its state says.  To be called after any change of state. */
void node_review_locked(struct nodes *t, struct node *n);
/* The catalog has no such directory any more, but names in it are still in use:
 * it stays, empty and unlisted, until expires (monotonic ns) has come and it is idle. */
void node_vanish_locked(struct nodes *t, struct node *catalog, int64_t expires);
/* Drop those that expired; returns how many are still waiting. */
size_t nodes_expire_locked(struct nodes *t, int64_t now);
void node_set_listed_locked(struct node *n, bool listed);
/* The file is an alias of this instance; 0 none. */
void node_set_instance_locked(struct nodes *t, struct node *file, uint64_t instance, uint64_t watermark);
/* The first file with this instance, and the one after it; NULL. */
struct node *node_of_instance_locked(struct nodes *t, uint64_t instance, struct node *after);
/* Calls the gone hook. */
void node_tell_gone_locked(struct nodes *t, struct node *n);

/* For tests and metrics. */
size_t nodes_count_locked(const struct nodes *t, enum node_kind kind);

#endif
