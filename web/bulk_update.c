/* Bulk update (contract 6). */
#include <errno.h>
#include <stdlib.h>

#include "store/update.h"
#include "web/change_set.h"
#include "web/handlers.h"
#include "web/json_input.h"
#include "web/operations.h"
#include "web/reply.h"
#include "web/server.h"

/* ----------------------------------------------------------- request ---- */

static int
take_studies(json_t *list, const char *uids[UPDATE_STUDIES_MAX + 1], size_t *ret_n, struct err *err)
{
	json_t *uid;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) == 0)
		return err_set(err, -EINVAL, "studyInstanceUids must be an array of at least one UID");
	if (json_array_size(list) > UPDATE_STUDIES_MAX)
		return err_set(err, -EINVAL, "An update is of at most %d studies", UPDATE_STUDIES_MAX);
	json_array_foreach(list, i, uid) {
		if (!json_is_string(uid))
			return err_set(err, -EINVAL, "A member of studyInstanceUids is no string");
		uids[i] = json_string_value(uid);
	}
	*ret_n = json_array_size(list);
	return 0;
}

/* Contract 6.1: what is wrong with the attributes is told as a data set. */
static int
reply_faults(struct request *rq, const struct change_set *c)
{
	struct buf out;
	int r;

	buf_init(&out, LIMIT_LIST);
	buf_puts(&out, "{\"00741048\":{\"vr\":\"SQ\",\"Value\":[");
	buf_put(&out, c->faults.data, c->faults.len);
	buf_puts(&out, "]}}");
	r = reply_buf(rq, 400, "application/dicom+json", &out);
	buf_fini(&out);
	return r;
}

static int
begin(struct request *rq, json_t *body, struct change_set *c, struct err *err)
{
	const char *uids[UPDATE_STUDIES_MAX + 1];
	struct update_request update = { .partition = rq->partition, .study_uids = uids };
	char operation[OPERATION_TEXT_MAX] = "";
	json_t *set;
	int r;

	if (!json_is_object(body))
		return err_set(err, -EINVAL, "The body must be an object");
	r = take_studies(json_member(body, "studyInstanceUids"), uids, &update.n_studies, err);
	if (r == 0)
		r = json_member_text(body, "seriesInstanceUid", &update.series_uid, err);
	if (r == 0)
		r = json_member_text(body, "sopInstanceUid", &update.sop_uid, err);
	set = json_member(body, "changeDataset");
	if (r == 0)
		r = change_set_read(set, c, err);
	if (r < 0)
		return r;
	if (c->faults.len > 0)
		return reply_faults(rq, c);
	update.values = c->values;
	update.n_values = c->n;
	r = store_begin_update(rq->service->store, &update, operation, err);
	return operation_reply_begun(rq, r, operation);
}

int
bulk_update_handle(struct request *rq, struct err *err)
{
	struct change_set *c = calloc(1, sizeof *c);
	json_t *body = NULL;
	int r;

	if (c == NULL)
		return err_set(err, -ENOMEM, "No memory");
	change_set_init(c);
	r = rq->service->ops == NULL ? err_set(err, -EINVAL, "Nobody works on operations here") :
					   json_read_body(rq, &body, err);
	if (r == 0)
		r = begin(rq, body, c, err);
	json_decref(body);
	change_set_fini(c);
	free(c);
	return r;
}
