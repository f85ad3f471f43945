/* operations.h: waiting for an operation on the command line. */
#ifndef CLI_OPERATIONS_H
#define CLI_OPERATIONS_H

#include "cli/cli.h"

/* Wait until it has ended (NULL: all), doing the work if no daemon does.  How far it is goes to
 * standard error.  exports NULL: those are left to others, and not waited for.  -EIO: it failed. */
struct export_settings;
int operations_wait(struct store *st, const char *id, const struct export_settings *exports, struct err *err);

#endif
