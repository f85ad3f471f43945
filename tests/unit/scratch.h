/* scratch.h: directories of tests. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stdbool.h>

#define SCRATCH_MAX 64

/* A new one whose name begins so; in memory, where there is room.  -1: it cannot be made. */
int scratch_make(char dir[SCRATCH_MAX], const char *name, bool in_memory);
/* With all that is in it; kept when DICOMLAKE_TEST_KEEP is set. */
int scratch_remove(const char *dir);

#endif
