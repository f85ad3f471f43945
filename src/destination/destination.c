#include "destination/private.h"

#include <errno.h>
#include <stdlib.h>

#include "base/parallel.h"

static const struct destination_ops *const kinds[] = {
	[DESTINATION_AZURE] = &destination_azure,
	[DESTINATION_S3] = &destination_s3,
	[DESTINATION_FILE] = &destination_file,
};

int
destination_open(const struct destination_spec *spec, const struct destination_context *context,
		 struct destination **ret_destination, struct err *err)
{
	struct destination *d = calloc(1, sizeof *d);
	int r;

	if (d == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	d->spec = spec;
	d->context = *context;
	if (d->context.parts == 0)
		d->context.parts = 4;
	d->ops = kinds[spec->kind];
	r = d->ops->open(d, err);
	if (r < 0) {
		free(d);
		return r;
	}
	*ret_destination = d;
	return 0;
}

void
destination_close(struct destination *d)
{
	if (d == NULL)
		return;
	d->ops->close(d);
	free(d);
}

int
destination_probe(struct destination *d, const char *object, struct err *err)
{
	return d->ops->probe(d, object, err);
}

int
destination_put(struct destination *d, const char *object, const char *type, int fd, uint64_t len, struct err *err)
{
	return d->ops->put(d, object, type, fd, len, err);
}

int
destination_sync(struct destination *d, struct err *err)
{
	return d->ops->sync != NULL ? d->ops->sync(d, err) : 0;
}

void
destination_put_href(const char *uri, const char *object, struct buf *out)
{
	buf_printf(out, "%s/%s", uri, object);
}

/* -- parts ---------------------------------------------------------------- */

void
parts_cut(struct parts *p)
{
	p->part = PART_MIN;
	while (p->len / p->part >= PARTS_MAX)
		p->part *= 2;
	p->n = (size_t)((p->len + p->part - 1) / p->part);
}

struct putting {
	struct parts *parts;
	struct err *errs;		/* one a part, or NULL */
};

static int
put_part(void *ctx, size_t i)
{
	struct putting *putting = ctx;
	struct parts *p = putting->parts;
	uint64_t offset = i * p->part, left = p->len - offset;

	return p->put(p, i, offset, left < p->part ? left : p->part, &putting->errs[i]);
}

int
parts_put(struct parts *p, struct err *err)
{
	struct putting putting = { p, calloc(p->n, sizeof *putting.errs) };
	size_t i;
	int r;

	if (putting.errs == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	r = parallel_run(p->n, p->d->context.parts, put_part, &putting);
	for (i = 0; i < p->n && r < 0; i++)
		if (putting.errs[i].num == r) {
			if (err != NULL)
				*err = putting.errs[i];
			break;
		}
	if (r < 0 && i == p->n)
		err_set(err, r, "a part could not be put");
	free(putting.errs);
	return r;
}
