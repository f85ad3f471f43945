/* exporter.h: what works on exports, for the runner.  One thread at a time. */
#ifndef OPS_EXPORTER_H
#define OPS_EXPORTER_H

#include <stdatomic.h>

#include "ops/export.h"

struct exporter;

/* All given outlive it.  When *stop is set a step ends soon. */
int  exporter_new(struct store *st, const struct export_settings *settings, const atomic_bool *stop,
		  struct exporter **ret_exporter, struct err *err);
void exporter_free(struct exporter *x);		/* NULL is fine */
/* A page.  1: there is more; 0: the operation has ended, well or not; -EAGAIN: it could not be done now;
 * -ENOENT: the operation is gone. */
int  exporter_step(struct exporter *x, const char *operation, struct err *err);

#endif
