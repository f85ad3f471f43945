/* search_internal.h: what planning a search and showing its matches share. */
#ifndef STORE_SEARCH_INTERNAL_H
#define STORE_SEARCH_INTERNAL_H

#include "store/external_json.h"
#include "store/internal.h"

/* -- terms (search_term.c) -- */

#define SEARCH_TERMS_MAX 64

struct term {
	const struct search_term *given;
	enum level level;		/* LEVEL_ROOT: not indexed, to be looked up (search_scan.c) */
	uint16_t vr;
	uint32_t number;		/* of an extended query tag; 0: it can always be searched */
	bool external;			/* of external metadata */
	struct buf low, high;		/* collated; low alone when exact */
	struct buf words;		/* collated query words, or values of a list, NUL after each */
	unsigned n_words;
	struct key from, to;		/* its range of the index */
	bool in_order;			/* of ids */
};

struct terms {
	size_t n;
	size_t n_scanned;		/* of them, those that are not indexed */
	struct term at[SEARCH_TERMS_MAX];
};

/* Compile what is asked for a search at this level; ranges are those of the
 * partition's index.  -EINVAL.  terms_fini even after a failure. */
int  terms_compile(struct terms *t, const struct search *s, struct kv_txn *txn, uint64_t partition, struct err *err);
void terms_fini(struct terms *t);
/* The range of the index of one value of a list. */
void term_value_range(const struct term *t, uint64_t partition, const char *value, struct key *from, struct key *to);
/* Does a collated value, or the text of a UID, fit? */
bool term_matches(const struct term *t, struct slice collated);
bool term_matches_uid(const struct term *t, const char *uid);
/* Do the external metadata of a study fit all terms for them?  1; 0. */
int  terms_match_external(const struct terms *t, struct kv_txn *txn, uint64_t study);
/* NULL when the tag is not asked for, or only within a sequence. */
const struct term *terms_find(const struct terms *t, uint32_t tag);
/* Does a row of this level fit all terms of its level? */
bool terms_match(const struct terms *t, enum level level, const char *uid, struct slice attributes,
		 struct slice modalities, struct slice extended);
/* Is there a term of this level? */
bool terms_have(const struct terms *t, enum level level);

/* -- matches (search_plan.c) -- */

/* A match: ids down to the level searched for. */
struct hit {
	uint64_t study, series, instance;
	uint64_t order;			/* newest is highest: id, or watermark of an instance */
};

struct hits {
	struct hit *at;
	size_t n, cap;
};

/* Matches held at once: 8 MiB of them, and some 20 ms.  More come in parts, and cannot be sorted.  A
 * variable so that a test gets past it. */
extern uint64_t search_hits_max;

/* Append to *ret_hits (zeroed by the caller, freed with free(at)) the matches
 * of a search in order: those from offset, at most limit.  *ret_report is set on success. */
int search_plan(struct kv_txn *txn, const struct search *s, struct hits *ret_hits, struct search_report *ret_report,
		struct err *err);

/* -- the rows and the header of a match (search_row.c) -- */

struct match {
	struct kv_txn *txn;
	uint64_t partition;
	enum level level;		/* searched for */
	const struct hit *hit;
	struct study_row study;
	struct series_row series;
	struct instance_row instance;
	struct buf header;		/* as it is shown, once it is loaded */
	bool header_loaded;
	struct series_base base;
	bool external;			/* the header has external metadata, and they come before what rows have */
	struct externals externals;
};

void match_init(struct match *m, enum level level, bool external);
void match_fini(struct match *m);
/* Another transaction: what the last one lent is gone. */
void match_begin(struct match *m, struct kv_txn *txn, uint64_t partition);
/* 1; 0 when it is gone meanwhile. */
int  match_load(struct match *m, const struct hit *hit);
/* 0 when m->header is there. */
int  match_header(struct match *m);
/* From the rows: 1 found, 0 known to be absent, -ENOENT the header must tell. */
int  match_kept(struct match *m, uint32_t tag, struct slice *ret_json);

/* Members of rows as DICOM JSON, {"vr":..,"Value":..} (search.c). */
void search_put_modalities(struct slice modalities, struct buf *out);
void search_put_uid(const char *uid, struct buf *json);

/* -- terms that are not indexed (search_scan.c) -- */

/* 1 when the match fits them. */
int scan_match(const struct terms *terms, struct match *m);

#endif
