#include "tests/unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>

int
scratch_make(char dir[SCRATCH_MAX], const char *name, bool in_memory)
{
	if (in_memory) {
		snprintf(dir, SCRATCH_MAX, "/dev/shm/dicomlake-%s-XXXXXX", name);
		if (mkdtemp(dir) != NULL)
			return 0;
	}
	snprintf(dir, SCRATCH_MAX, "/tmp/dicomlake-%s-XXXXXX", name);
	return mkdtemp(dir) != NULL ? 0 : -1;
}

int
scratch_remove(const char *dir)
{
	char command[SCRATCH_MAX + 16];

	if (getenv("DICOMLAKE_TEST_KEEP") != NULL)
		return 0;
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}
