/* cors.h: pages of which other origins may use the service (the Fetch standard, "CORS protocol").
 *
 * Threads: no state.
 */
#ifndef WEB_CORS_H
#define WEB_CORS_H

#include <stdbool.h>

#include "base/err.h"

/* "*", or origins with commas between them: "https://viewer.example,http://localhost:3000".
 * -EINVAL: one of them is none. */
int  cors_check(const char *origins, struct err *err);
/* What Access-Control-Allow-Origin says to a page of this origin: "*", the origin itself, or NULL:
 * nothing.  Either may be NULL.  It lives as long as its arguments. */
const char *cors_allows(const char *origins, const char *origin);
/* Text of Access-Control-Allow-Headers: what the page wants to send.  NULL unless it is a
 * list of header names. */
const char *cors_headers(const char *wanted);

/* What a page may read of a reply beyond what it always may. */
#define CORS_EXPOSED "api-deprecated-versions, api-supported-versions, Content-Encoding, Content-Range, ETag, " \
	"erroneous-dicom-attributes, Location, Warning, X-Request-ID, X-Total-Count"

#endif
