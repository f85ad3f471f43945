/* Names: of staged files and of stored ones.  step.h's hook lives here too. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

#define COUNT_BITS 40
#define COUNT_MASK (((uint64_t)1 << COUNT_BITS) - 1)

void (*step_hook)(enum step step);

void
step(enum step s)
{
	if (step_hook != NULL)
		step_hook(s);
}

void
stage_name(char name[BLOB_STAGE_MAX], uint64_t stage, const char *partition)
{
	snprintf(name, BLOB_STAGE_MAX, "%016" PRIx64 "/%010" PRIx64 "%s%s", stage >> COUNT_BITS,
		 stage & COUNT_MASK, partition != NULL ? "@" : "", partition != NULL ? partition : "");
}

int
stage_parse(const char *name, uint64_t *ret_stage, char partition[STORE_NAME_MAX + 1])
{
	uint64_t owner, count;
	char *end;

	owner = strtoull(name, &end, 16);
	if (end != name + 16 || *end != '/' || owner >> (64 - COUNT_BITS) != 0)
		return -EINVAL;
	name = end + 1;
	count = strtoull(name, &end, 16);
	if (end != name + 10 || (*end != '\0' && *end != '@') || strlen(end) > STORE_NAME_MAX + 1)
		return -EINVAL;
	*ret_stage = owner << COUNT_BITS | count;
	strcpy(partition, *end == '@' ? end + 1 : "");
	return 0;
}

int
stage_take(struct store *st, uint64_t *ret_stage)
{
	int r = 0;

	if (st->read_only)
		return -EROFS;
	pthread_mutex_lock(&st->claim_lock);
	if (st->owner == 0) {
		uint64_t owner;

		r = catalog_take_owner(st->kv, &owner);
		if (r == 0)
			r = blob_claim(st->blobs, owner);
		if (r == 0)
			st->owner = owner;
	}
	pthread_mutex_unlock(&st->claim_lock);
	if (r < 0)
		return r;
	*ret_stage = st->owner << COUNT_BITS | (++st->stage_count & COUNT_MASK);
	return 0;
}

void
instance_name(char name[BLOB_NAME_MAX], const char *partition, const char *study_uid,
	      const char *series_uid, const char *sop_uid)
{
	snprintf(name, BLOB_NAME_MAX, "%s/%s/%s/%s.dcm", partition, study_uid, series_uid, sop_uid);
}

void
original_name(char name[BLOB_NAME_MAX], const char *partition, const char *study_uid, const char *series_uid,
	      const char *sop_uid)
{
	snprintf(name, BLOB_NAME_MAX, "%s/%s/%s/" BLOB_ORIGINALS "/%s.dcm", partition, study_uid, series_uid, sop_uid);
}

void
row_stage_name(char name[BLOB_STAGE_MAX], uint64_t stage, uint8_t flags, const char *partition)
{
	stage_name(name, stage, flags & INSTANCE_ACCEPTED_STAGE ? partition : NULL);
}

void
instance_names(const struct catalog_rows *rows, char name[BLOB_NAME_MAX], char stage[BLOB_STAGE_MAX])
{
	instance_name(name, rows->partition.name, rows->study.uid, rows->series.uid, rows->instance.uid);
	row_stage_name(stage, rows->instance.stage, rows->instance.flags, rows->partition.name);
}
