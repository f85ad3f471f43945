/* step.h: the numbered steps of ingest and delete, where the fault tests strike.
 *
 * In a program that sets no hook a step costs one load.
 */
#ifndef STORE_STEP_H
#define STORE_STEP_H

enum step {
	STEP_RECEIVED = 1,	/* bytes in staging, nothing known of them */
	STEP_ACCEPTED,		/* outcome known; for the mount: the name in staging says so */
	STEP_DURABLE,		/* data synced, no row yet */
	STEP_WRITTEN,		/* rows put, transaction not yet committed */
	STEP_COMMITTED,		/* committed, no file renamed */
	STEP_PUBLISHING,	/* some files renamed */
	STEP_PUBLISHED,		/* all renamed, nobody told yet */
	STEP_SETTLED,		/* journaled files synced, their entries still there */
	STEP_REMOVED,		/* delete: rows gone, files still there */
	STEP_RECLAIMING,	/* delete: some files gone, entries still there */
	STEP_RECLAIMED,		/* delete: files gone, entries not yet */
	STEP_REINDEXING,	/* reindex: entries and cursor written, not yet committed */
	STEP_REINDEXED,		/* reindex: committed */
	STEP_TAG_DELETING,	/* some entries of a deleted tag gone */
	STEP_EXPORTING,		/* export: a page was put, its cursor not yet committed */
	STEP_EXPORTED,		/* export: committed */
	STEP_UPDATE_STAGING,	/* update: a new file staged, its instance as it was */
	STEP_UPDATE_STAGED,	/* update: all of a study's files durable in staging */
	STEP_UPDATE_WRITTEN,	/* update: all rows put, not yet committed */
	STEP_UPDATED,		/* update: committed, no file named */
	STEP_UPDATE_NAMING,	/* update: some files named */
	STEP_TIER_COPIED,	/* tier: some copies made, nobody led to them */
	STEP_TIER_VERIFIED,	/* tier: all of a page copied, durable and verified */
	STEP_TIER_PLACED,	/* tier: copies have their names in their tiers, nobody led to them */
	STEP_TIER_LEADING,	/* tier: some names lead to their copies, their rows say what was */
	STEP_TIER_LED,		/* tier: all do, durably */
	STEP_TIER_WRITTEN,	/* tier: rows and cursor written, not yet committed */
	STEP_TIER_MOVED,	/* tier: committed, what lay in other tiers still there */
	STEP_END
};

extern void (*step_hook)(enum step step);

void step(enum step s);

#endif
