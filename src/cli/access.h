/* access.h: what options and the environment say of exports, and of access to where they go. */
#ifndef CLI_ACCESS_H
#define CLI_ACCESS_H

#include "cli/cli.h"
#include "ops/export.h"

struct cli_access {
	struct export_settings settings;
	char *file;			/* text of --credentials, lines ended by NULs; NULL: none */
	size_t file_len;
};

/* Lends from conf and the environment.  -EACCES: others may read the file of --credentials. */
int  cli_access_read(const struct conf *conf, struct cli_access *ret_access, struct err *err);
void cli_access_fini(struct cli_access *access);		/* a zeroed one is fine */
/* NAME of the file, else of the environment; NULL: neither has it. */
const char *cli_access_find(const struct cli_access *access, const char *name);

#endif
