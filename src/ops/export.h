/* export.h: exports to other places (contract 9).
 *
 * Threads: any.
 */
#ifndef OPS_EXPORT_H
#define OPS_EXPORT_H

#include <stdbool.h>

#include "base/err.h"
#include "destination/destination.h"
#include "store/export.h"

struct export_settings {
	const char *roots;		/* directories that file:// may name or lie below, with commas; NULL: none */
	unsigned jobs;			/* instances put at a time; 0: 8 */
	unsigned patience_ms;		/* how long a destination may be unreachable; 0: 10 minutes */
	const char *ca_file;		/* http_client.h; NULL: the system's */
	const char *identity_endpoint;	/* token.h; NULL: TOKEN_ENDPOINT */
	/* Of this program, for S3; NULL: none.  The key may be temporary, with a session then. */
	const char *s3_endpoint, *s3_region, *s3_id, *s3_key, *s3_session;
	/* What the service lets its clients ask for (contract 9.3). */
	bool sas;			/* destinations with a SAS */
	bool no_credential;		/* destinations without any */
};

/* Set the root of a destination that is a directory.  -EINVAL: it lies below none of them. */
int  export_set_root(const struct export_settings *settings, struct destination_spec *spec, struct err *err);

/* Set what gives this program access to S3.  -EINVAL: it has no key, and may not go without. */
int  export_take_s3_access(const struct export_settings *settings, struct destination_spec *spec, struct err *err);

/* Check all of it, put an empty errors.log where the export is to go, and record it.  *ret_id is its
 * operation.  -EINVAL: the request makes no sense, or the destination does not take it. */
int  export_begin(struct store *st, const struct export_settings *settings, const struct destination_spec *spec,
		  const struct export_request *request, char ret_id[OPERATION_TEXT_MAX], struct err *err);

#endif
