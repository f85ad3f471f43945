/* private.h: what the kinds of destinations implement. */
#ifndef DESTINATION_PRIVATE_H
#define DESTINATION_PRIVATE_H

#include <sys/types.h>

#include "destination/destination.h"
#include "net/http_client.h"

struct destination_ops {
	int  (*open)(struct destination *d, struct err *err);
	void (*close)(struct destination *d);
	int  (*probe)(struct destination *d, const char *object, struct err *err);
	int  (*put)(struct destination *d, const char *object, const char *type, int fd, uint64_t len, struct err *err);
	int  (*sync)(struct destination *d, struct err *err);		/* NULL: what is put is kept */
};

struct destination {
	const struct destination_ops *ops;
	const struct destination_spec *spec;
	struct destination_context context;
	void *state;			/* of the kind */
};

extern const struct destination_ops destination_azure, destination_s3, destination_file;

/* Larger objects go in parts, several at a time, so that a connection that breaks costs a part ... */
#define PART_MIN ((uint64_t)16 << 20)
#define WHOLE_MAX ((uint64_t)64 << 20)
/* ... and in no more of them than the services take. */
#define PARTS_MAX 10000
/* Tries of a probe, for which somebody waits. */
#define PROBE_TRIES 2

struct parts {
	struct destination *d;
	const char *object;
	int fd;
	uint64_t len, part;		/* bytes, of all and of one */
	size_t n;
	/* Part i, `len` bytes from `offset` on. */
	int (*put)(struct parts *p, size_t i, uint64_t offset, uint64_t len, struct err *err);
	void *state;			/* of the kind */
};

/* How an object of p->len is cut: fills in part and n. */
void parts_cut(struct parts *p);
/* Puts all of them; the first that fails decides. */
int  parts_put(struct parts *p, struct err *err);

/* -- text of URIs -- */

/* What a URI of Azure says; slices of it. */
struct azure_name {
	char origin[256];		/* "https://host:port" */
	char account[64], container[64];
	char base[512];			/* "https://host:port[/account]/container" */
};
int  azure_name_of(const char *uri, struct azure_name *ret_name, struct err *err);
/* s3://BUCKET[/PREFIX]: the prefix has no slash at its ends, and may be "". */
int  s3_name_of(const char *uri, char bucket[64], char prefix[256], struct err *err);
/* Append to path, which a service of Azure is asked, what it signs for SharedKey.  headers are all x-ms- ones,
 * sorted; query as sent, sorted, or "". */
void azure_string_to_sign(const char *method, uint64_t len, const char *type, const char *headers, const char *account,
			  const char *path, const char *query, struct buf *out);
/* The text of the first <NAME> in an XML reply.  -ENOENT; -EMSGSIZE. */
int  xml_text(const char *xml, const char *name, char *text, size_t size);

#endif
