/* accept.h: media types (RFC 9110 8.3, 12.5.1) and which of them to answer with.
 *
 * Errors: -EINVAL malformed; -E2BIG past a limit of limits.h.
 * Threads: no state.
 */
#ifndef WEB_ACCEPT_H
#define WEB_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/coding.h"
#include "dicom/uid.h"
#include "web/limits.h"

/* ------------------------------------------------------ media types ---- */

struct media {
	const char *type;		/* "application/dicom", in lower case */
	unsigned count;
	struct { const char *name, *value; } param[LIMIT_MEDIA_PARAMS];	/* names in lower case */
	char text[LIMIT_MEDIA_TEXT];
};

/* One media type with its parameters, quotes undone.  Stops before a comma or
 * at the end; *ret_end is there. */
int media_parse(const char *text, struct media *ret_media, const char **ret_end);
/* NULL when the type has no such parameter. */
const char *media_param(const struct media *media, const char *name);

/* ----------------------------------------------------------- Accept ---- */

struct accept_entry {
	char type[80];			/* lower case; of a multipart/related its type parameter, "" when absent */
	bool multipart;
	char xfer_uid[UID_TEXT_MAX];	/* "*", a UID, "" when absent */
	unsigned q;			/* thousandths */
};

struct accept {
	unsigned count;			/* by descending q, else as sent; none with q=0 */
	struct accept_entry entry[LIMIT_ACCEPT_ENTRIES];
};

/* Elements that make no sense are left out, and those past the limit. */
void accept_parse(const char *header, struct accept *ret_accept);
/* Does an entry allow the (single part) type: itself, its range, or all? */
bool accept_allows(const struct accept *accept, const char *type);

/* Contract 3.1 as a table.  A resource is a bit of the caller's. */
enum {
	ACCEPT_SINGLE = 1, ACCEPT_MULTIPART = 2,
	ACCEPT_STORED = 4,		/* no syntax named: as stored, if that is one of xfer_uids */
};

struct accept_rule {
	unsigned resources;
	const char *type;		/* what an entry must say */
	unsigned asked;			/* in which shapes it may say so; perhaps ACCEPT_STORED */
	unsigned shape;			/* answered in this one; 0: in the one asked for */
	const char *served;		/* the media type of the answer, or of its parts */
	const char *const *xfer_uids;	/* NULL-terminated, "*" among them where it may be; NULL: any */
	const char *default_xfer;	/* "*": as stored */
};

struct accept_choice {
	const char *type;		/* the rule's */
	bool multipart;
	char xfer_uid[UID_TEXT_MAX];	/* or "*" */
};

/* The first acceptable entry wins, unless a later one of the same q asks for
 * transfer-syntax=*.  stored_uid: the syntax of what is to be sent, NULL when there
 * are several.  -ENOENT: nothing acceptable (406). */
int accept_choose(const struct accept_rule *rules, size_t n_rules, unsigned resource, const char *stored_uid,
		  const struct accept *accept, struct accept_choice *ret_choice);

/* The coding of a reply to who sends this Accept-Encoding (NULL: none): zstd, else
 * gzip, whichever has the higher q. */
enum coding accept_coding(const char *header);

#endif
