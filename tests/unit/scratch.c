#include "tests/unit/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/store.h"

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
scratch_store(char dir[SCRATCH_MAX], const char *name, const char *workspace, const char *service,
	      struct store **ret_store, struct err *err)
{
	int r;

	if (scratch_make(dir, name, false) < 0)
		return err_set(err, -errno, "cannot make a directory");
	r = store_init(dir, workspace, service, err);
	return r < 0 ? r : store_open(dir, NULL, ret_store, err);
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
