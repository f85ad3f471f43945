/* backup_internal.h: the parts of a backup. */
#ifndef STORE_BACKUP_INTERNAL_H
#define STORE_BACKUP_INTERNAL_H

#include "store/backup.h"
#include "store/internal.h"

/* -- backup_files.c: the files of the copy -- */

struct backup_files {
	int dir;			/* of the copy */
	int data;			/* AHDS/<workspace>/dicom/<service> in it */
	int next;			/* versions that are to take the place of others */
	bool share, link;		/* reflinks, hard links are tried */
	bool fresh;			/* no index there: nothing is in use yet */
	char parent[BLOB_NAME_MAX];	/* directory that was made last */
	int parent_of;			/* below this descriptor */
	struct backup_totals *totals;
};

/* Makes what a store has besides the index. */
int  backup_files_open(struct backup_files *f, int dir, const char *workspace, const char *service);
void backup_files_close(struct backup_files *f);
/* A file of a name, as it is at the source; where another version lies, it waits in next. */
int  backup_place(struct backup_files *f, const char *name, const struct store_file *file);
/* The copy's index is new: what waits takes its place; 1 when it was there. */
int  backup_promote(struct backup_files *f, const char *name);
int  backup_remove(struct backup_files *f, const char *name);
/* What is left of a killed one. */
int  backup_clear_next(struct backup_files *f);

/* -- backup_index.c -- */

/* All that a transaction sees, as an index of its own at dir/name, but what only a running store needs. */
int  backup_copy_index(struct kv_txn *txn, const char *dir, const char *name, struct err *err);

#endif
