/* daemon.h: what a long-running process owes to whoever started it. */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

#include <stdbool.h>

#include "base/err.h"

/* Tell systemd's NOTIFY_SOCKET, if there is one (sd_notify(3)); a failure is not worth more than a log line. */
void daemon_notify(const char *state);

/* Go to the background: the caller goes on in a child of its own session, and
 * the process that was started waits.  It ends with the child's verdict: status 0
 * at daemon_release, or what the child exits with before that.
 * Call it before any thread is made. */
int  daemon_detach(int *ret_release, struct err *err);
/* The child is well: let the first process end, and let go of its terminal.
 * Standard error stays when keep_stderr. */
void daemon_release(int release, bool keep_stderr);

/* Write the process id; daemon_remove_pid_file removes it if it is still ours. */
int  daemon_write_pid_file(const char *path, struct err *err);
void daemon_remove_pid_file(const char *path);

/* Put standard error at the end of the file (again, when it was rotated).
 * daemon_save_log keeps what it was before, for daemon_restore_log: so the log goes to
 * the file and the failure to start to the terminal.  Both take -1 for nothing. */
int  daemon_open_log(const char *path, struct err *err);
int  daemon_save_log(void);
void daemon_restore_log(int saved);

#endif
