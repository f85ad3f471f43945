/* service.h: one of the stores that the daemon serves, and what runs for it whatever doors there are. */
#ifndef CLI_SERVICE_H
#define CLI_SERVICE_H

#include <limits.h>

#include "cli/access.h"
#include "cli/events.h"
#include "ops/health.h"
#include "ops/lifecycle.h"
#include "ops/ops.h"
#include "store/file_watch.h"

struct cli_service {
	char path[PATH_MAX];
	struct conf *conf;		/* the daemon's, and what the store's own file says */
	struct store *store;
	struct cli_access access;
	struct cli_events receivers;
	struct ops *ops;
	struct health *health;
	struct lifecycle *lifecycle;
	struct events *events;
	struct file_watch *watch;
};

/* A store's own file, in its directory. */
#define CLI_SERVICE_CONF "dicomlake.conf"

/* named: it is one of several, and errors name it.  At first only the path is set. */
int  cli_service_open(struct cli_service *s, const struct conf *conf, bool named, struct err *err);
/* Before the doors: what comes in by them is told. */
int  cli_service_start(struct cli_service *s, bool named, struct err *err);
/* After them: follow what others do to its files, if that is wanted. */
int  cli_service_watch(struct cli_service *s, bool named, struct err *err);
void cli_service_unwatch(struct cli_service *s);
/* As far as it was begun. */
void cli_service_close(struct cli_service *s);

/* No two are the same directory; once they are open, no two have one name.  -EEXIST. */
int  cli_services_check_paths(const struct cli_service *services, size_t n, struct err *err);
int  cli_services_check_names(const struct cli_service *services, size_t n, struct err *err);

#endif
