/* destination.h: places that instances are exported to: a container of objects.
 *
 * A destination is said by a URI and, apart from it, by what gives access to it.  It is opened with
 * a context that has what this machine allows and knows: connections, directories, an identity.
 *
 *	https://ACCOUNT.blob.core.windows.net/CONTAINER, http://HOST:PORT/ACCOUNT/CONTAINER	Azure Blob
 *	s3://BUCKET[/PREFIX]								S3
 *	file:///DIR									a directory
 *
 * Object names are relative paths of letters, digits, '.', '-', '_' and '/'.  An object is there whole or
 * not at all, and putting it again replaces it.
 *
 * Threads: a destination from any, a specification by one.
 * Errors:  -EINVAL the destination is none, or not allowed; -ENOENT no such container; -EACCES, -EPERM refused;
 *          -EPROTO its certificate is not to be trusted; -EAGAIN it cannot be reached now; -ECANCELED; -ENOSPC,
 *          -EROFS, -EIO and -ENOMEM; -ESTALE the file to be put is shorter than was said.  Sentences name container and
 *          account, and never a secret.
 */
#ifndef DESTINATION_DESTINATION_H
#define DESTINATION_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http_client;

enum destination_kind { DESTINATION_AZURE = 1, DESTINATION_S3, DESTINATION_FILE };

/* What a destination is.  All text is its own; NULL: not given. */
struct destination_spec {
	enum destination_kind kind;
	char *uri;			/* of the container, without a query: may be shown */
	char *root;			/* file: the directory below which it must lie */
	char *endpoint, *region;	/* S3 */
	bool managed_identity;		/* Azure: a token of this machine's identity */
	/* Secret: */
	char *sas;			/* Azure: a shared access signature, as a query without '?' */
	char *account, *key;		/* Azure: of the account, base64; S3: id and secret of an access key */
	char *session;			/* S3: that belongs to a temporary one */
};

/* From a URI, of which a query is taken as a SAS.  A file's root is not set.  -EINVAL. */
int  destination_spec_of_uri(const char *uri, struct destination_spec *ret_spec, struct err *err);
/* From an Azure connection string and a container.  -EINVAL. */
int  destination_spec_of_connection(const char *connection, const char *container,
				    struct destination_spec *ret_spec, struct err *err);
/* Is the account that of the storage emulators, whose key everybody knows? */
bool destination_is_emulator(const struct destination_spec *spec);
/* Does the connection to it never leave this machine, or is it encrypted? */
bool destination_is_private(const struct destination_spec *spec);
/* Is it a directory that is, or lies below, root? */
bool destination_fits_root(const struct destination_spec *spec, const char *root);
void destination_spec_fini(struct destination_spec *spec);	/* secrets are wiped; a zeroed one is fine */

/* As text that destination_spec_read takes; it has the secrets. */
int  destination_spec_write(const struct destination_spec *spec, struct buf *out);
int  destination_spec_read(const char *text, size_t len, struct destination_spec *ret_spec, struct err *err);

/* Where tokens of a machine's identity come from (token.h), shared by what is opened. */
struct tokens;

struct destination_context {
	struct http_client *http;
	struct tokens *tokens;		/* NULL: there is no identity */
	unsigned parts;			/* of one large object put at a time; 0: 4 */
};

struct destination;

/* The specification and the context outlive it.  Nothing is asked of anybody yet. */
int  destination_open(const struct destination_spec *spec, const struct destination_context *context,
		      struct destination **ret_destination, struct err *err);
void destination_close(struct destination *d);			/* NULL is fine */

/* Put an empty object, to see that the container is there, can be reached and written.  Tries little. */
int  destination_probe(struct destination *d, const char *object, struct err *err);
/* Put len bytes of a file as an object.  type is a media type. */
int  destination_put(struct destination *d, const char *object, const char *type, int fd, uint64_t len, struct err *err);
/* What was put survives a power cut of this machine. */
int  destination_sync(struct destination *d, struct err *err);
/* Append the URI of an object. */
void destination_put_href(const char *uri, const char *object, struct buf *out);

#endif
