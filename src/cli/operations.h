/* operations.h: waiting for an operation on the command line. */
#ifndef CLI_OPERATIONS_H
#define CLI_OPERATIONS_H

#include "cli/cli.h"

/* Wait until it has ended (NULL: all), doing the work if no daemon does.  How far it is goes to
 * standard error.  -EIO: it failed. */
int operations_wait(struct store *st, const char *id, struct err *err);

#endif
