/* private.h: the mount's own state, and what its request handlers share.
 *
 * A mount is one session of FUSE.  In it each store has a struct fs, which knows nothing of the others: numbers of
 * nodes are made its own when a request comes in (fs_enter) and the kernel's when a reply goes out (fs_reply_entry and so
 * on, fs_outer).  Where there are several, the directories above them are a struct fs without a store (services.h).
 *
 * Threads.  A fixed pool answers the kernel.  Each of its threads may wait for the store's
 * committer (every read verb has that barrier), never for the kernel and never for
 * another thread of the pool: the kernel holds the directory's lock during LOOKUP, READDIR,
 * CREATE, MKDIR, UNLINK, RMDIR and RENAME, and wants it for notify_inval_entry; so only
 * the notifier's thread does those (notify.h), and a close() that needs one is answered by it.
 *
 * Lock order: a receive's (receive.h), then the nodes' (inode.h); the rest are leaves.
 */
#ifndef FS_PRIVATE_H
#define FS_PRIVATE_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 314
#endif
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "fs/alias.h"
#include "fs/channel.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "fs/open.h"
#include "fs/options.h"
#include "fs/real.h"
#include "fs/receive.h"
#include "fs/settle.h"
#include "fs/tree.h"

/* Every operation once: its name in the counters. */
#define FS_OPERATIONS(X) \
	X(INIT, "init") X(LOOKUP, "lookup") X(FORGET, "forget") X(GETATTR, "getattr") X(SETATTR, "setattr") \
	X(MKDIR, "mkdir") X(UNLINK, "unlink") X(RMDIR, "rmdir") X(RENAME, "rename") X(OPEN, "open") \
	X(CREATE, "create") X(READ, "read") X(WRITE, "write") X(FLUSH, "flush") X(RELEASE, "release") \
	X(FSYNC, "fsync") X(FALLOCATE, "fallocate") X(OPENDIR, "opendir") X(READDIR, "readdir") \
	X(READDIRPLUS, "readdirplus") X(RELEASEDIR, "releasedir") X(FSYNCDIR, "fsyncdir") X(STATFS, "statfs") \
	X(GETXATTR, "getxattr") X(SETXATTR, "setxattr") X(LISTXATTR, "listxattr") \
	X(REMOVEXATTR, "removexattr") X(READLINK, "readlink") X(REFUSED, "refused")

enum fs_operation {
#define X(id, name) FS_##id,
	FS_OPERATIONS(X)
#undef X
	FS_OPERATIONS_END
};

/* Limits, each with its reason. */
#define FS_TIMEOUT 86400.0		/* entries and attributes; every change is notified */
#define FS_WRITE_MAX (1u << 20)		/* bytes a WRITE; what the kernel allows at most */
#define FS_WRITE_CHEAP (128u << 10)	/* where a request costs less than the pages of a buffer that no cache holds */
#define FS_THREADS_MORE 6		/* beyond one a CPU: closes that parse, removals that wait */
#define FS_THREADS_STORE 2		/* for each store after the first: one that waits shall not keep the others */
#define FS_THREADS_STORES 64		/* for all of those */

struct notifier;
struct handle;
struct virtual;				/* virtual.h */
struct stream;				/* stream.h */

struct mount {
	struct channel channel;		/* first: the session's userdata (channel.h) */
	struct fs_mount_options options;
	char *dir;
	struct fuse_session *se;
	int64_t started;		/* ns: the time of the fixed directories */

	struct fs **services;		/* each with a store */
	size_t n;
	struct fs *upper;		/* what is above them, when there are several; else NULL */
	struct fs *by_number[STORE_NUMBER_MAX + 1];	/* of several; NULL: no such */

	struct behind *behind;		/* NULL: every write is done when it is answered */
	pthread_t *threads;		/* at the device */
	unsigned n_threads;
	bool uring_joined;
	atomic_uint running;
	pthread_mutex_t end_lock;	/* guards ended, stopping, on_end, on_end_ctx */
	bool ended, stopping;
	void (*on_end)(void *ctx);
	void *on_end_ctx;
};

struct fs {
	struct mount *mount;
	struct store *st;		/* NULL: the directories above several */
	unsigned number;		/* of one of several; else 0 */
	uint32_t generation;		/* of its nodes, in file handles: by its name, should another get its number */
	struct tree tree;
	struct nodes *nodes;
	struct open_table *opened;
	struct settler *settler;
	struct notifier *notifier;
	struct virtual *virtual;
	atomic_uint_least64_t counters[FS_OPERATIONS_END];

	struct real_table *real;
	char health_path[3 * STORE_NAME_MAX];	/* below the store's directory */

	pthread_mutex_t handles_lock;	/* guards the list and what follows */
	pthread_cond_t none_expected;
	struct handle *handles;
	unsigned n_expected;		/* handles whose file is about to be refused (import.h) */
	unsigned n_refusing;		/* files that are being refused just now */
};

extern const struct fuse_lowlevel_ops fs_operations;

/* Whom a request about this node is for; makes the node's number its own, and counts the request. */
struct fs *fs_enter(fuse_req_t req, enum fs_operation op, fuse_ino_t *node);
/* Another node of the request: false when it is of another fs, else its number is made fs's own, too. */
bool fs_has(struct fs *fs, fuse_ino_t *node);
/* One of fs's nodes as the kernel knows it, and back. */
uint64_t fs_outer(const struct fs *fs, uint64_t node);
uint64_t fs_inner(const struct fs *fs, uint64_t outer);
/* *e as the kernel is to see it: *shown. */
const struct fuse_entry_param *fs_show(const struct fs *fs, const struct fuse_entry_param *e,
				       struct fuse_entry_param *shown);
int  fs_reply_entry(fuse_req_t req, const struct fs *fs, const struct fuse_entry_param *e);
int  fs_reply_attr(fuse_req_t req, const struct fs *fs, struct stat *sb, double timeout);
/* A buffer of this thread's, at least len bytes, good until it is asked for the next
 * time; NULL: no memory. */
void *fs_scratch(size_t len);
void fs_scratch_free(void);

/* ---------------------------------------------------------- answer.c --- */

/* INIT, and then the threads.  On failure some may run: answer_join when it is unmounted. */
int  answer_start(struct mount *m);
/* They take no more requests. */
void answer_stop(struct mount *m);
/* Until they have ended, since it was stopped or unmounted. */
void answer_join(struct mount *m);

/* ------------------------------------------------------------ attr.c --- */

void attr_of_fixed(struct fs *fs, const struct tree_fixed *f, struct stat *sb);
void attr_of_catalog(struct fs *fs, const struct store_node *node, struct stat *sb);
void attr_of_local_locked(struct fs *fs, const struct node *n, struct stat *sb);
/* Adds what only the mount knows of a directory of the catalog; remembers what the store said. */
void attr_merge_locked(struct node *n, const struct store_node *node, struct stat *sb);
void entry_init(struct fuse_entry_param *e, uint64_t node, double timeout);

void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *sb, int to_set, struct fuse_file_info *fi);
void fs_statfs(fuse_req_t req, fuse_ino_t ino);

/* ------------------------------------------------------------- dir.c --- */

/* The directory ino stands for, in the table.  Called and left with the lock
 * held, but lets go of it when the catalog must be asked.  -ESTALE, -ENOTDIR. */
int  dir_get_locked(struct fs *fs, uint64_t ino, struct node **ret_dir);
/* Which names below it may be public; false: none. */
bool dir_level(const struct node *dir, enum store_level *ret_level);
/* The id the store knows it by. */
uint64_t dir_store_id(const struct node *dir);

void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n);
void fs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void fs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void fs_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

/* ----------------------------------------------------------- name.c --- */

void fs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	       fuse_ino_t new_parent, const char *new_name, unsigned flags);
void fs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void fs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);

/* ------------------------------------------------------------ file.c --- */

/* An open file; its address is the kernel's fh. */
struct handle {
	struct handle *prev, *next;	/* fs->handles */
	bool append, writes;
	bool imports;			/* into the import-container: set by the accept */
	bool leaving;			/* counted in the file's leaving */
	struct opened *opened;		/* an instance open for reading */
	struct stream *stream;		/* a virtual file */
	struct node *file;		/* a local name; opens counts this */
	struct receive *receive;	/* what is written: the file's, or our own when file is NULL */
	struct pending *pending;	/* ours, guarded by the nodes' lock */
	char partition[STORE_NAME_MAX + 1];	/* when file is NULL */
	bool expected;			/* guarded by the handles' lock (import.h) */
	int fd;				/* a queue, or a real file; -1 */
};

struct handle *handle_of(const struct fuse_file_info *fi);	/* NULL: none */
void handle_free(struct fs *fs, struct handle *h);
/* For fs_stop: close everything that is open still. */
void handles_free(struct fs *fs);
/* Wait for the commit of what was written under this name.  Lets go of the lock:
 * unless it is open, find it again. */
void file_wait_locked(struct fs *fs, struct node *file);
/* Where a queue lies in the store. */
const char *file_of_queue(uint64_t node);
/* What is written through h is of another size or time now: the file shows it. */
void file_changed(struct fs *fs, const struct handle *h);
void file_drop(struct node *file);

void fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void fs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev);
void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void fs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t off, struct fuse_file_info *fi);
void fs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len, struct fuse_file_info *fi);

/* ----------------------------------------------------------- close.c --- */

/* A commit's outcome (settle.h). */
void close_settled(void *ctx, struct pending *p, const struct settled *s);

void fs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* --------------------------------------------------------- virtual.c --- */

void fs_readlink(fuse_req_t req, fuse_ino_t ino);

/* ----------------------------------------------------------- xattr.c --- */

void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

#endif
