#include "web/external.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "dicom/tag.h"
#include "web/server.h"

#define PREFIX "msdicom-meta-"

/* "PN-00191100" */
static int
parse_name(const char *name, struct external_value *v)
{
	char vr[2];
	size_t i;

	if (strlen(name) != 11 || name[2] != '-')
		return -EINVAL;
	for (i = 0; i < 2; i++)
		vr[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
	v->vr = VR(vr[0], vr[1]);
	return strspn(name + 3, "0123456789abcdefABCDEF") == 8 ? tag_parse(name + 3, 8, &v->tag) : -EINVAL;
}

static int
add_header(void *ctx, const char *name, const char *value, struct err *err)
{
	struct external_headers *h = ctx;
	struct external_value *v = &h->values[h->n];
	size_t i;

	if (h->n == EXTERNAL_HEADERS_MAX)
		return err_set(err, -EINVAL, "There are too many " PREFIX " headers");
	if (parse_name(name, v) < 0)
		return err_set(err, -EINVAL, "A header " PREFIX "{VR}-{TagPath} has another name than that");
	v->text = value;
	for (i = 0; i < h->n; i++)
		if (h->values[i].tag == v->tag)
			return err_set(err, -EINVAL, "(%04x,%04x) has two headers", TAG_GROUP(v->tag), TAG_ELEMENT(v->tag));
	h->n++;
	return store_check_external(v, err);
}

int
external_headers_read(const struct request *rq, struct external_headers *h, struct err *err)
{
	h->n = 0;
	return rq->dialect->external ? request_each_header(rq, PREFIX, add_header, h, err) : 0;
}

bool
external_wanted(const struct request *rq)
{
	const char *value = rq->dialect->external ? request_header(rq, EXTERNAL_WANTED) : NULL;

	return value != NULL && strcasecmp(value, "true") == 0;
}
