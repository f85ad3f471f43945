/* export.h: what POST /export asks for (contract 9.1, 9.3). */
#ifndef WEB_EXPORT_H
#define WEB_EXPORT_H

#include <jansson.h>

#include "ops/export.h"
#include "web/dialect.h"

struct export_order {
	struct export_request request;
	struct destination_spec spec;
	const char **values;		/* request.values; they lend from the JSON */
};

/* All of it is foreign.  -EINVAL: by contract 9.3, but what only the destination can tell.  *ret_order is the
 * caller's on success, and lends from the JSON. */
int  export_order_parse(const struct dialect *dialect, const struct export_settings *settings, json_t *body,
			struct export_order *ret_order, struct err *err);
void export_order_fini(struct export_order *order);

#endif
