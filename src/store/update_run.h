/* update_run.h: a running update, shared by its steps (update_run.c).
 *
 * Threads: that of the update.
 * Errors:  -errno; -EAGAIN begin the study again.
 */
#ifndef STORE_UPDATE_RUN_H
#define STORE_UPDATE_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "catalog/header.h"
#include "store/internal.h"
#include "store/update_internal.h"

/* What is known of a staged instance. */
struct staged {
	uint64_t instance, watermark;	/* the version it is made of */
	uint64_t original_stage;	/* 0: its original is where it is to be */
	struct instance_row row;
	struct slice study_attributes, series_attributes, header;
	char study_uid[UID_TEXT_MAX], series_uid[UID_TEXT_MAX];		/* that it is to have */
	char modality[MODALITY_TEXT_MAX];
};

struct run {
	struct store *st;
	unsigned char id[OPERATION_ID_LEN];
	const atomic_bool *stop;
	struct update_input input;
	struct update_progress progress;
	struct buf errors;		/* of this study and those before */
	size_t n_errors;		/* instances of this study that failed */
	size_t n_staged;
	const char *study_uid;
	uint64_t done, total;		/* instances, for who watches */
	int64_t told;			/* when */
	FILE *spool;			/* of struct staged */
	struct buf record;		/* of the spool: what is lent from it */
	struct series_base base;
	uint64_t sequence;
	int64_t swap_ns;		/* how long others could not write */
};

/* A row and a header of one instance, in the spool. */
#define UPDATE_RECORD_MAX (HEADER_MAX + (4u << 20))

/* update_spool.c: a file without a name. */
int  update_spool_open(struct run *w);
int  update_spool_put(struct run *w, const struct staged *s);
/* 1, or 0 at its end.  What is lent lives until the next. */
int  update_spool_next(struct run *w, struct staged *s);
void update_remove_stage(struct store *st, uint64_t stage);	/* 0: none */
/* Nothing is to come of what was staged. */
void update_drop_staged(struct run *w);

/* update_errors.c */
void update_fail_instance(struct run *w, const char *sop_uid, const struct err *err);
void update_fail_study(struct run *w, const char *why);

/* update_record.c */
int  update_read_record(struct run *w, bool *ret_finished);
int  update_tell_progress(void *run, struct kv_txn *txn);	/* for kv_update */
/* The study that was worked on is done. */
int  update_put_record(struct run *w, struct kv_txn *txn, bool failed, uint64_t instances);

/* update_stage.c: those of the study with watermarks from low on.  -ENOENT: it is not there; -ECANCELED. */
int  update_stage(struct run *w, uint64_t low);

/* update_swap.c.  The first, before anything is staged for nothing: -EEXIST and why, what the study is to become is
 * there already, or what is to move is not. */
int  update_check_first(struct run *w, char why[200]);
/* 0: done; 1: there are newcomers, from high on; -EEXIST and why. */
int  update_swap(struct run *w, uint64_t high, bool last_pass, uint64_t *ret_instances, char why[200]);

/* update_name.c.  What fails here the next start does; readers find the files in staging. */
void update_name_files(struct run *w);

#endif
