/* scratch.h: directories of tests, and stores in them. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stdbool.h>

struct err;
struct store;

#define SCRATCH_MAX 64

/* A new one whose name begins so; in memory, where there is room.  -1: it cannot be made. */
int scratch_make(char dir[SCRATCH_MAX], const char *name, bool in_memory);
/* One that is a new store, open.  workspace, service: as of store_init.  On failure there may be a directory. */
int scratch_store(char dir[SCRATCH_MAX], const char *name, const char *workspace, const char *service,
		  struct store **ret_store, struct err *err);
/* With all that is in it; kept when DICOMLAKE_TEST_KEEP is set. */
int scratch_remove(const char *dir);

#endif
