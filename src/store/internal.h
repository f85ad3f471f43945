/* internal.h: the inside of a store, for the files of this folder. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "blob/blob.h"
#include "catalog/attribute.h"
#include "catalog/catalog.h"
#include "kv/kv.h"
#include "store/base_cache.h"
#include "store/step.h"
#include "store/store.h"

/* Limits, with their reasons. */
enum {
	/* Accepted and not yet committed: each holds an open file and its header in memory. */
	PENDING_MAX = 1024,
	/* Files at least this large begin their way to the disk when accepted, and are synced
	 * there by a caller who waits.  Smaller ones are journaled (journal.c) or gathered by one sync. */
	LARGE_MIN = 64 << 10,
	/* A round journals no more small files than this: for more, one sync of all of
	 * them costs less than writing them twice. */
	JOURNAL_FILES_MAX = 32,
	/* Bytes in the journal before it is settled, and how long they stay if there are fewer, ms. */
	JOURNAL_MAX = 8 << 20,
	JOURNAL_DELAY = 1000,
	/* What nobody waits for waits this long, ms, for more to come, unless so many have. */
	LINGER = 5,
	LINGER_JOBS = 64,
	/* A header no larger than this waits to be described by the committer, as long as no more jobs wait for it:
	 * that cannot fail for its size, and what waits is bounded. */
	DESCRIBE_LATER_MAX = 64 << 10,
	DESCRIBE_LATER_JOBS = 256,
	/* One transaction: long enough to pay for its sync, short enough not to keep others waiting. */
	ROUND_MAX = 1024,
	/* Instances removed in one transaction. */
	REMOVE_ROUND = 512,
	/* How long ticket_wait waits for the observer, ms. */
	OBSERVER_WAIT = 200,
	/* How long opening waits for what other processes accepted, ms. */
	OTHERS_WAIT = 5000,
	/* A queue of the import area is begun anew past this size; the old one is kept beside it. */
	QUEUE_MAX = 16 << 20,
	/* One line of it: a path of every byte escaped, and twice the reason. */
	QUEUE_LINE_MAX = 32 << 10,
};

/* What the doors and the catalog say is the same by number. */
_Static_assert((int)STORE_PARTITION == LEVEL_PARTITION && (int)STORE_INSTANCE == LEVEL_INSTANCE, "levels");
_Static_assert((int)INGEST_SAME_REFUSE == BATCH_SAME_REFUSE && (int)INGEST_SAME_KEEP == BATCH_SAME_KEEP &&
	       (int)INGEST_SAME_REPLACE == BATCH_SAME_REPLACE, "what to do with the same instance");
_Static_assert((int)INGEST_CREATED == BATCH_CREATED && (int)INGEST_REPLACED == BATCH_REPLACED &&
	       (int)INGEST_UNCHANGED == BATCH_UNCHANGED, "outcomes");
_Static_assert((int)CHANGE_CREATE == FEED_CREATE && (int)CHANGE_UPDATE == FEED_UPDATE &&
	       (int)CHANGE_DELETE == FEED_DELETE, "actions");

struct job {
	struct store *store;
	struct job *next;
	uint64_t number;
	int64_t queued;			/* when, monotonic */
	unsigned refs;			/* guarded by store.lock: the queue's and the ticket's */
	bool done;			/* guarded by store.lock */
	int error;			/* valid when done, like the rest of the outcome */
	struct err err;
	struct ingest_result result;
	uint64_t sequence;

	/* What to commit; the committer's once queued. */
	struct dicom *d;		/* until job_describe */
	bool described_later;		/* job_describe and job_compress are the committer's */
	int describe_error;		/* then: what came of it, 0 or -errno */
	uint64_t series;		/* the one it comes to, 0: there was none */
	int fd;
	uint64_t stage;
	bool synced;			/* its bytes are durable already */
	bool accepted;			/* its stage has an accepted file's name */
	bool dropped;			/* the index leaves attributes out (contract 2.6) */
	bool in_place;			/* no stage: the file lies at its public path already */
	char partition[STORE_NAME_MAX + 1];
	enum ingest_same same;
	struct instance_row row;
	struct buf study_attributes, series_attributes, instance_attributes, json, header;
	struct buf bytes;		/* of a small file that is journaled; else empty */
	char modality[MODALITY_TEXT_MAX];
	uint64_t base_id;
	struct catalog_put_result put;
	int put_error;
};

struct store {
	char *path;			/* NULL: engines without one */
	int open_lock;			/* shared while open: store_rebuild wants it alone */
	int dir;			/* path, open; -1 */
	char workspace[STORE_NAME_MAX + 1], service[STORE_NAME_MAX + 1];
	char label[STORE_LABEL_MAX + 1];
	unsigned number;
	bool named;
	bool read_only;
	bool partitions;		/* several are allowed */
	struct kv *kv;
	struct blob_store *blobs;
	struct base_cache *bases;
	struct tiers_conf *tiers;	/* NULL: engines without a path */

	pthread_mutex_t lock;		/* guards all down to the next comment; never held over I/O */
	pthread_cond_t work;		/* the queue has something, or stopping */
	pthread_cond_t done;		/* done_number, observed or n_pending changed */
	struct job *queue, **queue_end;
	uint64_t last_number, done_number;
	size_t n_pending;
	bool stopping, committer_runs;
	pthread_t committer;
	bool round_runs;		/* some thread runs a round, or settles the journal */
	struct change_watch *watches;	/* all that are open */
	size_t journaled;		/* bytes in the journal not yet settled; written by who runs a round */
	struct err health;		/* of the last probe */
	uint64_t observed;		/* sequence the observer has been told of */
	bool observing;

	pthread_mutex_t claim_lock;	/* guards owner */
	uint64_t owner;			/* 0 before the first incoming */
	atomic_uint_least64_t stage_count;

	pthread_mutex_t queues_lock;	/* guards the files of queues.c */

	/* Observer (changes.c). */
	pthread_t observer;
	bool observer_runs;		/* guarded by lock */
	struct change_watch *observer_watch;	/* NULL without observer */
	void (*observer_fn)(void *ctx, const struct change *change);
	void *observer_ctx;

	atomic_uint_least64_t commits, committed, refused;
};

/* A store over any engines (tests): it has no path.  The kv holds a catalog
 * (catalog_init).  Takes both, on failure too. */
int  store_open_engines(struct kv *kv, struct blob_store *blobs, struct store **ret_store, struct err *err);

/* Shared (LOCK_SH) while a store is open, so that a rebuild, with LOCK_EX, knows it is alone.  -EBUSY. */
int  store_lock_open(const char *dir, int how, int *ret_fd);
/* The files of an index that nobody has open. */
void index_remove(const char *dir, const char *name);

/* -- staging (stage.c) -- */

/* Name of a stage; partition NULL: not accepted. */
void stage_name(char name[BLOB_STAGE_MAX], uint64_t stage, const char *partition);
/* -EINVAL when name is none of ours. *partition is "" when not accepted. */
int  stage_parse(const char *name, uint64_t *ret_stage, char partition[STORE_NAME_MAX + 1]);
/* A fresh number, after claiming an owner when this is the first. */
int  stage_take(struct store *st, uint64_t *ret_stage);
void instance_name(char name[BLOB_NAME_MAX], const char *partition, const char *study_uid,
		   const char *series_uid, const char *sop_uid);
/* Where the version lies that an instance had first (catalog/original.h). */
void original_name(char name[BLOB_NAME_MAX], const char *partition, const char *study_uid,
		   const char *series_uid, const char *sop_uid);
/* Name of the stage an instance row came in by. */
void row_stage_name(char name[BLOB_STAGE_MAX], uint64_t stage, uint8_t flags, const char *partition);
/* Both of an instance: where its latest version lies, and by which stage that came in. */
void instance_names(const struct catalog_rows *rows, char name[BLOB_NAME_MAX], char stage[BLOB_STAGE_MAX]);

/* -- query_tags.c -- */

/* Contract 7.4: at /v1 what cannot be indexed is not stored.  -EINVAL: the value of a tag. */
int  query_tags_check(struct kv_txn *txn, struct slice json, struct err *err);

/* -- external.c -- */

/* Take over the external metadata that another index of the same files has; what it has of studies that
 * are not there, or cannot be read of it, is left. */
int  external_restore(struct store *st, struct kv *old, struct err *err);

/* -- incoming.c -- */

/* Take over a staged file of a dead process (its stage name and number) as an incoming of ours. */
int  incoming_adopt(struct store *st, const char *stage_file, struct incoming **ret_in);

/* Everything that storing it would know of what was received, short of what is in the index already; the caller frees
 * the job.  o->partition is needed. */
int  incoming_describe(struct incoming *in, const struct ingest_options *o, struct job **ret_job, struct err *err);
/* Likewise of a file that lies where it is to lie. */
int  describe_in_place(struct store *st, const char *partition, int fd, struct job **ret_job, struct err *err);
void job_free(struct job *job);
/* Finish, and leave its file staged under the stage that its job's row has. */
void incoming_leave(struct incoming *in);
/* The rules a stored file was accepted by. */
enum validate_rules kept_rules(int fd);

/* -- describe.c: of a job that has its data set -- */

/* What retrieving needs to know, whatever else may be wrong with those attributes. */
void job_measure(struct job *job);
/* Everything else the index wants to know; the data set is freed. */
int  job_describe(struct job *job, struct err *err);
/* Then its header, against the base of its series, which may be in the index. */
int  job_compress(struct store *st, struct job *job, struct err *err);

/* The rules it was accepted by, as far as they matter to its index. */
enum validate_rules incoming_kept_rules(struct incoming *in);

/* Index the file that lies at a public path (check, rebuild).  Takes fd on success.
 * -EXDEV: its identity belongs at another path. */
int  index_in_place(struct store *st, const char *partition, const char *name, int fd,
		    struct ingest_result *result, struct ticket **ret_ticket, struct err *err);
/* -- adopt.c: files by their names (blob.h) -- */

/* "partition/study/series/instance.dcm" in its parts.  false: it is no public name. */
bool split_name(const char *name, char part[4][UID_TEXT_MAX + 4]);
/* Has an instance of that UID gone, and may its files still be there? */
bool is_being_removed(struct kv_txn *txn, const char *sop_uid);
/* Is it there for an instance, and not for the service itself? */
bool file_is_of_instance(const char *name);
/* The instance whose file it is; *ret_id 0: its removal is under way.  -ENOENT: of none. */
int  instance_of_file(struct store *st, const char *name, uint64_t *ret_id, uint64_t *ret_watermark);
/* A file that no row is of, or another version than its row is of: indexed where it
 * lies, or taken to where its UIDs say.  *ret_ticket is to be waited for; NULL: it is done. */
int  adopt_file(struct store *st, const char *name, struct ticket **ret_ticket, struct err *err);

/* -- tiers.c -- */

/* Read and check what tiers.conf says. */
int  tiers_open(struct store *st, struct err *err);

/* -- originals.c: what instances were first, by the names of their files -- */

/* Is a file of this name one? */
bool file_is_original(const char *name);
/* 0: it is the original of its instance; -ENOENT: its instance has another, or none, and can have this; -ESRCH: there is no such
 * instance; -EALREADY: its removal is under way. */
int  original_of_file(struct store *st, const char *name);
/* Make it so. */
int  adopt_original(struct store *st, const char *name, struct err *err);
/* The file of an instance's original is lost. */
int  forget_original(struct store *st, uint64_t instance);

/* -- retrieve.c -- */

/* As store_open_file and, with original, store_open_original, but from the archive, too; and -ENOMEDIUM when its tier is
 * not there.  Reading it does not count as somebody's (atime). */
int  open_bytes(struct store *st, uint64_t instance, bool original, struct store_file **ret_file, struct err *err);

/* fn for every instance of every partition, until it returns non-zero, which is returned.  No
 * transaction is held meanwhile. */
int  each_instance(struct store *st, int (*fn)(void *ctx, const char *partition, const struct instance_info *info),
		   void *ctx, struct err *err);

/* What an instance is now.  -ENOENT. */
int  instance_now(struct store *st, uint64_t id, struct instance_info *ret_info);

/* Instances of a node (partition, study, series or instance) after a place, which moves: 1 when more may
 * follow, 0 at the end, or -errno.  A place of zeros is the beginning. */
struct scan_place { uint64_t study, series, instance; };
int  scan_from(struct store *st, uint64_t node, struct scan_place *place, struct instance_info *infos, size_t max,
	       size_t *ret_n);

/* -- committer.c -- */

int  committer_start(struct store *st);
void committer_stop(struct store *st);	/* after everything queued is done */
/* Takes the job (and its two references); blocks while too much is pending.  waits: ticket_wait
 * comes next and runs the round itself, so no thread is woken for it. */
void committer_queue(struct store *st, struct job *job, bool waits);
/* Can it also do what who accepts could do? */
bool committer_has_time(struct store *st);
void job_unref(struct store *st, struct job *job);
/* Wait for everything accepted so far. */
void barrier(struct store *st);
/* Bounded wait until the observer has seen sequence. */
void wait_observed(struct store *st, uint64_t sequence);

/* -- queues.c -- */

/* A whole line of one of the queues of import.h. */
int  queue_append(struct store *st, const char *queue, const struct buf *line);
/* The line that says why a file was refused; path NULL: it was not put into the import-container. */
void queue_put_refusal(struct buf *b, const char *door, const char *name, const char *path,
		       const struct ingest_result *result, const struct err *err);

/* -- journal.c -- */

/* Take the bytes of those of a round that are to be journaled instead of synced. */
int  journal_load(struct job **jobs, size_t n);
/* Make the files durable that are in the journal, and empty it. */
int  journal_settle(struct store *st);
/* Make again the files that a power cut took.  Before staging is looked at. */
int  journal_restore(struct store *st);

/* -- reclaim.c -- */

/* Remove the files of every reclaim entry there is. */
int  reclaim_all(struct store *st);

/* -- recover.c -- */

/* Give the original of an instance, which has this stage, its name, and forget that it is staged; in a write
 * transaction.  -ENOENT: it has none of that stage. */
int  publish_original(struct store *st, struct kv_txn *txn, uint64_t instance, uint64_t stage);

int  recover(struct store *st, struct err *err);
/* Wait, bounded, until other living processes have committed what they accepted. */
void wait_for_others(struct store *st);

/* -- changes.c -- */

void changes_wake(struct store *st);	/* something was committed by this process */
void change_of_entry(uint64_t sequence, const struct feed_entry *e, struct change *ret_change);	/* feed.c */
void changes_stop(struct store *st);

/* -- names and scopes (namespace.c) -- */

/* Ids of a scope.  -ENOENT and err says which level is not there. */
int  scope_resolve(struct kv_txn *txn, const struct store_scope *scope, struct catalog_path *ret_path,
		   struct err *err);
/* The node with an id. */
int  node_read(struct kv_txn *txn, uint64_t id, struct store_node *ret_node);
void info_of(const struct instance_row *row, uint64_t id, const char *study_uid, const char *series_uid,
	     struct instance_info *ret_info);

#endif
