/* store.h: the verbs every door uses.
 *
 * A store is a directory (dicomlake-store(5)).  Several processes may have it
 * open at once.  Everything a door knows of the data goes through here, so
 * the mount, the service and the command line cannot disagree.
 *
 * Every read verb begins with a barrier: it waits for the commit of whatever this process
 * accepted before, so nobody sees less than they wrote.
 *
 * Threads: every function may be called from any thread, on one object (scan,
 *          incoming, file) by one thread at a time.
 * Errors:  -ENOENT no such thing (err says which level); -EEXIST the instance
 *          exists (reason 45070); -EINVAL refused (reason 43264, 43265, or none
 *          for a bad argument); -EBADMSG, -EFBIG not DICOM, or past a limit (43264);
 *          -ENOSPC; -ESTALE the backing file was changed or removed by somebody
 *          else, or its tier is the archive or not there (HTTP 424); -EROFS; -EIO and -ENOMEM.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/sha256.h"
#include "base/slice.h"
#include "dicom/uid.h"
#include "dicom/validate.h"

struct store;

/* ------------------------------------------------------------- life ---- */

#define STORE_NAME_MAX 64		/* workspace, service, partition */
#define STORE_DEFAULT_PARTITION "Microsoft.Default"

/* May there be several data partitions (contract 1.2)?  Off in a new store; turned on for ever, and
 * only as long as the store holds nothing: -ENOTEMPTY. */
bool store_partitions(const struct store *st);
int  store_enable_partitions(struct store *st, struct err *err);

/* 1 to STORE_NAME_MAX letters, digits, '-', '_' and '.', one safe component of a path, and not STORE_HEALTH_DIR. */
bool store_name_is_valid(const char *name);

/* Make a new store in dir (made if missing, must be empty).  NULL: "default", "dicom". */
int  store_init(const char *dir, const char *workspace, const char *service, struct err *err);

struct store_options {
	bool read_only;			/* no ingest, delete or recovery */
	size_t map_size;		/* index map; 0 the default (1 TiB) */
	bool named;			/* it is one of several in this process: lines of the log name it */
};

/* Finishes what a killed process left behind (files it had accepted, renames,
 * removals) unless read_only.  options may be NULL. */
int  store_open(const char *dir, const struct store_options *options,
		struct store **ret_store, struct err *err);
/* Waits for everything accepted to be committed.  NULL is fine. */
void store_close(struct store *st);

const char *store_workspace(const struct store *st);
const char *store_service(const struct store *st);
/* <workspace>-<service>, as in the names of hosts and of the import area. */
#define STORE_LABEL_MAX (2 * STORE_NAME_MAX + 1)
const char *store_label(const struct store *st);
const char *store_path(const struct store *st);
/* This thread works for the store from here on: its lines of the log say so, if the store is one of several. */
void store_log_about(const struct store *st);

/* What a mount of several stores tells their ids apart by, 1 to STORE_NUMBER_MAX, kept in the index; 0: it has
 * none yet.  Whoever mounts them sees to it that no two have the same. */
#define STORE_NUMBER_MAX 255
unsigned store_number(const struct store *st);
int  store_set_number(struct store *st, unsigned number, struct err *err);

/* ------------------------------------------------------------ ingest ---- */

/* An instance on its way in: bytes in a staging file.  One thread at a time. */
struct incoming;

enum ingest_same {		/* the same instance is there already: */
	INGEST_SAME_REFUSE,	/* -EEXIST, whatever its bytes (/v1, /v2 POST) */
	INGEST_SAME_KEEP,	/* success when the bytes are identical, else -EEXIST (import, /dicom-web) */
	INGEST_SAME_REPLACE,	/* nothing to do when identical, else the new one takes its place (mount, PUT) */
};

struct ingest_options {
	const char *partition;		/* NULL: the default one; made when missing */
	const char *study_uid;		/* the instance must belong to it; NULL: any */
	enum validate_rules rules;
	enum ingest_same same;
	bool zero_preamble;		/* contract 2.3 */
	bool survive_kill;		/* accepting makes it survive kill -9 (mount) */
	bool waits;			/* ticket_wait comes next: a large file is synced by this thread then,
					 * beside those of others, and not by their one committer */
	/* What is stored but breaks the rules (VALIDATE_V2), of the last accept; NULL: not told. */
	struct dicom_warnings *warnings;
};

enum store_level { STORE_ROOT, STORE_PARTITION, STORE_STUDY, STORE_SERIES, STORE_INSTANCE };
enum ingest_outcome { INGEST_CREATED, INGEST_REPLACED, INGEST_UNCHANGED };

struct ingest_result {
	struct dicom_identity identity;	/* as far as known, on failure too */
	uint16_t warning_reason;	/* 0 none */
	bool several;			/* dicom_has_several */
	enum store_level known;		/* the lowest directory of its path that was there when it was accepted */
	enum ingest_outcome outcome;	/* known after the commit */
	uint64_t id;			/* instance id, known after the commit */
	uint64_t watermark;
};

int  incoming_new(struct store *st, struct incoming **ret_in, struct err *err);
/* Append; the hash is computed on the way. */
int  incoming_write(struct incoming *in, const void *data, size_t len, struct err *err);
/* Write anywhere, and not with incoming_write; the hash is computed on the way as long as each write begins where
 * the last one ended.  -errno. */
int  incoming_write_at(struct incoming *in, const void *data, size_t len, uint64_t off);
int  incoming_truncate(struct incoming *in, uint64_t size);
/* Have the bytes of fd, without copying them: before anything is written.  clone: as a file that
 * changes apart from that of fd; else as the very same file under one name more, whoever
 * changes it by the other changes what is stored, which is then -ESTALE to readers.  After it nothing may be written.
 * -EXDEV, -EOPNOTSUPP, -EPERM and the like: it cannot be had so, and nothing is done. */
int  incoming_share(struct incoming *in, int fd, bool clone);
/* The staging file, read-write, for a door that writes it by itself (the mount).
 * Borrowed.  After a write by this way incoming_write must not be used. */
int  incoming_fd(struct incoming *in);
/* Accept: parse, validate, look for the same instance.  On success the
 * commit is under way and its ticket is handed out; in is finished (freed).
 * On failure in is untouched (more may be written, and accept called again)
 * and *result says what is known.  Bounded: blocks while too much is pending. */
struct ticket;
int  incoming_accept(struct incoming *in, const struct ingest_options *options,
		     struct ingest_result *result, struct ticket **ret_ticket, struct err *err);
/* Drop it and its file.  NULL is fine. */
void incoming_free(struct incoming *in);

/* Is just this stored already: the same instance with the same bytes?  Nothing is staged to find out.  The bytes are those of fd, or
 * with fd -1 data and len.  1: yes, *result as after a commit; 0: no, or not to be told so. */
int  store_has_same(struct store *st, const char *partition, int fd, const void *data, size_t len,
		    struct ingest_result *result);

/* Wait until durable and visible at every door of this process.  Frees the
 * ticket.  result may be NULL.  -EEXIST when another instance with the same
 * UIDs won a race. */
int  ticket_wait(struct ticket *t, struct ingest_result *result, struct err *err);
/* Likewise; when it failed, *ret_fd is the caller's, with the bytes, or -1. */
int  ticket_wait_fd(struct ticket *t, struct ingest_result *result, int *ret_fd, struct err *err);
/* Not interested: the commit goes on. */
void ticket_free(struct ticket *t);
/* Wait until everything accepted so far is durable, and a bounded while until the observer
 * (store_observe) was told of it. */
int  store_sync(struct store *st);

/* Add a line to the error-queue (import.h): which door, what name, why. */
void store_record_refusal(struct store *st, const char *door, const char *name,
			  const struct ingest_result *result, const struct err *err);
/* The directory of the store, open; borrowed.  -1: it has none. */
int  store_dir(const struct store *st);

/* --------------------------------------------------------- namespace ---- */

/* Where bytes lie (tier.h). */
enum store_tier { STORE_HOT, STORE_COOL, STORE_COLD, STORE_ARCHIVE };
#define STORE_TIERS 4

/* Ids are stable for ever and never used again; below STORE_FIRST_ID none is given out,
 * and none has its top bit set, so a door may use those for things of its own. */
#define STORE_ROOT_ID 0
#define STORE_FIRST_ID 4096

struct store_node {
	uint64_t id;
	uint64_t parent;
	enum store_level level;
	char name[UID_TEXT_MAX];	/* partition name or UID, no ".dcm" */
	uint64_t size;			/* instance: bytes; above: bytes of all instances below */
	uint64_t count;			/* children (not descendants) */
	int64_t mtime;			/* ns; of the bytes for an instance, of the last change below otherwise */
	int64_t created;		/* ns, when it was first stored */
	uint64_t watermark;		/* of a study or series the highest below; 0 above */
	uint64_t kept;			/* series: bytes of originals in it, which are in no size */
	uint64_t tiers[STORE_TIERS];	/* of size, what lies in each tier but hot */
};

int  store_lookup(struct store *st, uint64_t parent, const char *name, struct store_node *ret_node);
/* A partition by its name, in either case.  -ENOENT. */
int  store_find_partition(struct store *st, const char *name, struct store_node *ret_node);
int  store_get_node(struct store *st, uint64_t id, struct store_node *ret_node);
/* Children of parent with id > after, ascending, until fn returns non-zero
 * (returned then).  fn runs inside a read transaction: it must not block. */
int  store_list(struct store *st, uint64_t parent, uint64_t after,
		int (*fn)(void *ctx, const struct store_node *node), void *ctx);

/* ---------------------------------------------------------- retrieve ---- */

struct store_scope {			/* a study, series or instance; or more */
	const char *partition;		/* NULL: the default one */
	const char *study_uid;		/* NULL: everything in the partition */
	const char *series_uid;
	const char *sop_uid;
	bool original;			/* of instances that were updated, the version stored first is meant */
	bool external;			/* metadata have the study's external metadata, too (external.h); there must be a study */
};

struct instance_info {
	uint64_t id;
	uint64_t watermark;
	uint64_t size;
	int64_t mtime;			/* ns */
	int64_t created;		/* ns */
	unsigned char hash[HASH_LEN];	/* XXH3-128 of the file */
	uint64_t pixel_offset;		/* of the pixel data's value; 0 none or deflated */
	uint32_t rows, columns, frames;	/* 0 when the header does not say */
	enum store_tier tier;
	bool updated;			/* another version is kept beside this one: the first, or the latest */
	bool original;			/* this is the first */
	char study_uid[UID_TEXT_MAX];
	char series_uid[UID_TEXT_MAX];
	char sop_uid[UID_TEXT_MAX];
	char class_uid[UID_TEXT_MAX];
	char xfer_uid[UID_TEXT_MAX];
};

struct scope_totals {
	uint64_t instances;
	uint64_t bytes;
	uint64_t max_watermark;
	uint64_t archived;		/* of bytes, those that cannot be read (tier.h) */
	uint64_t external;		/* names what external metadata there are, when the scope wants them; else 0 */
};

/* Instances of a scope in the order of their ids, a page at a time: no
 * transaction is held between calls, so a slow reader costs nothing. */
struct store_scan;
int  store_scan_open(struct store *st, const struct store_scope *scope,
		     struct store_scan **ret_scan, struct scope_totals *ret_totals, struct err *err);
/* 1: *ret_info is the next; 0: the end; or -errno. */
int  store_scan_next(struct store_scan *scan, struct instance_info *ret_info, struct err *err);
/* Append the metadata of the next instances to out, rendered (json.h) and each
 * after a comma but the very first, until more than `enough` bytes are there.
 * instance_url(ctx, info, url) writes the URL of an instance; NULL: bulk is
 * hidden.  1: more may follow; 0: the end was reached. */
int  store_scan_metadata(struct store_scan *scan, struct buf *out, size_t enough,
			 void (*instance_url)(void *ctx, const struct instance_info *info, struct buf *url),
			 void *ctx, struct err *err);
/* The highest watermark of what was handed out.  Above that of the totals, something was stored
 * since the scan was opened, and the instances handed out are not those that the totals counted. */
uint64_t store_scan_newest(const struct store_scan *scan);
void store_scan_close(struct store_scan *scan);

/* Append the attributes of a study, series or instance as one object of DICOM JSON, bulk hidden: of an
 * instance its whole header, of the others what is known of their own level.  -ENOENT. */
int  store_get_attributes(struct store *st, uint64_t id, struct buf *out, struct err *err);

/* One instance's bytes, checked to be those the index knows (-ESTALE if not).
 * They stay readable while open, whatever happens to the instance. */
struct store_file;
int  store_open_file(struct store *st, uint64_t instance_id, struct store_file **ret_file, struct err *err);
/* Likewise of the version stored first, when the instance was updated since. */
int  store_open_original(struct store *st, uint64_t instance_id, struct store_file **ret_file, struct err *err);
/* The one that a scan told of. */
int  store_open_version(struct store *st, const struct instance_info *info, struct store_file **ret_file, struct err *err);
const struct instance_info *store_file_info(const struct store_file *f);
int  store_file_fd(const struct store_file *f);		/* borrowed */
ssize_t store_file_pread(const struct store_file *f, void *data, size_t len, uint64_t off);
/* Read all of it: -ESTALE unless the bytes are those the index knows.  Their SHA-256 too when
 * sha256 is not NULL. */
int  store_file_verify(const struct store_file *f, char sha256[SHA256_TEXT_MAX], struct err *err);
void store_file_close(struct store_file *f);

/* ------------------------------------------------------------ search ---- */

enum search_match {
	SEARCH_EXACT,			/* value; "" never */
	SEARCH_RANGE,			/* value..upper, inclusive, either may be NULL; DA DT TM */
	SEARCH_WORDS,			/* fuzzy person name, contract 4.4 */
	SEARCH_ANY_WORDS,		/* likewise, each word for itself: wherever it stands in the name */
	SEARCH_LIST,			/* one of the values, which a backslash separates */
	SEARCH_WILD,			/* * stands for any characters, ? for any one */
};

struct search_term {
	uint32_t tag;
	const uint32_t *path;		/* the sequences it is in, outermost first */
	size_t n_path;
	enum search_match match;
	const char *value;		/* UTF-8 */
	const char *upper;
};

/* Results are ordered by attributes that the rows of their level or one above keep, and by extended
 * query tags; no UIDs. */
#define SEARCH_ORDER_MAX 8
struct search_order {
	uint32_t tag;
	bool descending;
};

/* At some 15 us each. */
#define SEARCH_SCAN_MAX 20000

/* What a search found out, known before the first match is handed out. */
struct search_report {
	uint64_t headers;		/* that had to be looked at for terms the index does not have */
	bool cut;			/* there were more of them than is bearable: older ones were not */
	uint64_t next;			/* where one that was cut goes on: the `before` of the next search */
	uint64_t total;			/* of matches; UINT64_MAX when not known */
};

struct search {
	enum store_level level;		/* what is searched for: study, series, instance */
	const char *partition;		/* NULL: default */
	const char *study_uid;		/* from the path, or NULL */
	const char *series_uid;
	const struct search_term *terms;
	size_t n_terms;
	/* Attributes wanted in each dataset, ascending, no duplicates.  Those the
	 * data set lacks are left out.  Computed: ModalitiesInStudy, NumberOfStudyRelatedSeries,
	 * NumberOfStudyRelatedInstances, NumberOfSeriesRelatedInstances. */
	const uint32_t *tags;
	size_t n_tags;
	/* Contract 4.9: values are those of the index when it has all that are asked for, else those of the
	 * latest instance.  Otherwise each is the latest that there was. */
	bool latest;
	bool everything;		/* the whole header (of the latest instance), and the computed ones of tags */
	const char *retrieve_url;	/* ".../studies": RetrieveURL is computed below it; NULL: not given */
	bool online;			/* InstanceAvailability is computed: ONLINE, or OFFLINE when some of it is in the archive */
	uint64_t limit;			/* 0: no limit */
	uint64_t offset;
	uint64_t before;		/* of what is in its own order, only matches after this one: studies and
					 * series with lower ids, instances with lower watermarks; 0: all */
	/* Terms may be of any attribute and level: what is not indexed is looked up in the
	 * rows and headers of the candidates that are left, a bounded number of them. */
	bool scan;
	/* External metadata of studies (external.h) are attributes, too, before query tags and what files have:
	 * private terms are looked up. */
	bool external;
	uint64_t scan_max;		/* headers looked at; 0: as many as are bearable, SEARCH_SCAN_MAX */
	const struct search_order *orders;	/* the first counts most; none: newest first */
	size_t n_orders;
	bool count;			/* find out the total, whatever it costs */
	struct search_report *report;	/* NULL: not wanted */
};

/* An attribute that the index can match: one of those that always can be, or an extended query
 * tag that is ready. */
struct search_tag {
	enum store_level level;		/* STORE_STUDY, STORE_SERIES or STORE_INSTANCE */
	uint16_t vr;
	bool disabled;			/* nobody may ask by it until it is enabled */
	bool errors;			/* some instances have values that could not be indexed */
};
/* -ENOENT: it cannot be searched. */
int  store_search_tag(struct store *st, uint32_t tag, struct search_tag *ret_tag);
/* Matches newest first (contract 4.8), or ordered with those without a value last; one fn call with a JSON object each; no
 * transaction is held during fn.  Non-zero from fn stops and is returned.
 * -EINVAL: a term that cannot be searched, a value that is none, an attribute that cannot order
 * them, or too many to be ordered by it. */
int  store_search(struct store *st, const struct search *search,
		  int (*fn)(void *ctx, struct slice dataset), void *ctx, struct err *err);

/* The same matches as nodes of the tree, newest first; what they should tell and order_by do not matter. */
int  store_search_nodes(struct store *st, const struct search *search,
			int (*fn)(void *ctx, const struct store_node *node), void *ctx, struct err *err);

/* ------------------------------------------------------------ delete ---- */

/* Everything in the scope (study_uid must be given).  -ENOENT when nothing matches. */
int  store_delete(struct store *st, const struct store_scope *scope,
		  uint64_t *ret_instances, struct err *err);
/* By id: an instance, series or study.  watermark, when not 0, is the version of the instance
 * that is meant: -ESTALE, and nothing is deleted, when another has taken its place. */
int  store_delete_id(struct store *st, uint64_t id, uint64_t watermark, struct err *err);

/* ----------------------------------------------------------- changes ---- */

enum change_action { CHANGE_CREATE = 1, CHANGE_UPDATE = 2, CHANGE_DELETE = 3 };

struct change {
	uint64_t sequence;		/* gapless, from 1 */
	int64_t time;			/* ns */
	enum change_action action;
	uint64_t watermark;
	uint64_t partition_id, study_id, series_id, instance_id;
	bool moved;			/* an update of what had other UIDs, and another id, before */
	bool study_appeared, series_appeared;	/* with a create, or an update that gave it other UIDs */
	bool study_vanished, series_vanished;	/* with a delete */
	char study_uid[UID_TEXT_MAX];
	char series_uid[UID_TEXT_MAX];
	char sop_uid[UID_TEXT_MAX];
};

enum change_state { CHANGE_CURRENT, CHANGE_REPLACED, CHANGE_DELETED };

struct change_entry {			/* lent for the call */
	struct change change;
	enum change_state state;	/* of what the entry stored, now (contract 12.3) */
	const char *partition;
	const char *path;		/* of its file, below the store; NULL: it is there no more */
	struct slice metadata;		/* of the instance as it is now, bulk hidden; len 0: gone, or not asked for */
};

enum changes_from {
	CHANGES_BY_SEQUENCE,		/* those with sequences above `after` */
	CHANGES_BY_TIME,		/* since <= time < until, without the first `after` of them */
	CHANGES_LATEST,			/* the latest one */
};

struct changes_query {
	enum changes_from from;
	uint64_t after;
	int64_t since, until;		/* clock_ticks */
	uint64_t limit;
	bool metadata;
};

/* Changes of all partitions in their order, which is that of their times too.  No transaction
 * is held during fn; non-zero from fn stops and is returned. */
int  store_changes(struct store *st, const struct changes_query *query,
		   int (*fn)(void *ctx, const struct change_entry *entry), void *ctx, struct err *err);

/* Something to poll for changes of any process. */
struct change_watch;
int  change_watch_open(struct store *st, struct change_watch **ret_watch);
/* Readable when there may be changes; in case a sign of another process is lost, look once a
 * second all the same. */
int  change_watch_fd(const struct change_watch *watch);
/* Before looking at the feed: not readable until the next change. */
void change_watch_clear(struct change_watch *watch);
void change_watch_close(struct change_watch *watch);	/* before the store; NULL is fine */

/* Call fn for changes made by any process, in order, from a thread of the
 * store's own, beginning with those after now.  ticket_wait and store_delete wait (a short,
 * bounded while) until fn has returned for their change, so what fn
 * invalidates is invalid when they return.  fn must not call a verb that waits for a commit.
 * One observer at a time; NULL fn ends it and waits for a call that runs. */
int  store_observe(struct store *st, void (*fn)(void *ctx, const struct change *change), void *ctx);

/* ------------------------------------------------------------ status ---- */

struct store_status {
	uint64_t partitions, studies, series, instances, bytes;
	uint64_t kept;			/* bytes of originals, beside those of the instances */
	uint64_t tiers[STORE_TIERS];	/* of bytes, what lies in each tier */
	uint64_t pending;		/* accepted, not yet committed; removals not yet done */
	uint64_t sequence;		/* of the latest change */
	uint64_t map_size, map_used;	/* bytes */
	unsigned readers, readers_max;
	/* since the store was opened by this process: */
	uint64_t commits;		/* transactions of the committer */
	uint64_t committed;		/* instances in them */
	uint64_t refused;
};
int  store_get_status(struct store *st, struct store_status *ret_status, struct err *err);

/* ------------------------------------------------------------ health ---- */

/* Writes, reads and deletes a file in this directory beside the partitions (contract 11.4), and removes
 * what is left of others.  0, or -errno and what cannot be done. */
#define STORE_HEALTH_DIR "healthCheck"
int  store_probe_health(struct store *st, struct err *err);
/* What the last probe of this process found; 0 when there was none yet. */
int  store_health(struct store *st, struct err *err);

/* ------------------------------------------------------------- check ---- */

enum check_finding {
	CHECK_FILE_MISSING,		/* a row without its file */
	CHECK_FILE_CHANGED,		/* size, or with verify hash, differs */
	CHECK_FILE_UNKNOWN,		/* a file no row names */
	CHECK_INDEX,			/* rows, counts or indexes that disagree */
	CHECK_STAGING,			/* left in staging by nobody who lives */
	CHECK_TIER_AWAY,		/* its file lies in a tier that is not there: nothing is known of it */
	CHECK_TIER,			/* its file lies in another tier than its row says, or its link is lost */
};
struct check_options {
	bool repair;			/* re-index unknown and changed files, drop rows without one, recount */
	bool verify;			/* read every byte against its hash */
	/* Each finding, with a path or UIDs; repaired tells whether it is mended. */
	void (*report)(void *ctx, enum check_finding finding, const char *what, bool repaired);
	void *ctx;
};
struct check_totals { uint64_t instances, bytes, findings, repaired, away; };
int  store_check(struct store *st, const struct check_options *options,
		 struct check_totals *ret_totals, struct err *err);
/* Throw the index away and make it again from the files; dir must not be open
 * anywhere (-EBUSY). */
int  store_rebuild(const char *dir, struct check_totals *ret_totals, struct err *err);

#endif
