/* Search (QIDO-RS, contract 4). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "dicom/tag.h"
#include "web/external.h"
#include "web/handlers.h"
#include "web/qido_params.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

static enum search_url
url_of(const struct request *rq)
{
	switch (route_id_of(rq->match.route)) {
	case ROUTE_SEARCH_STUDIES:
		return SEARCH_ALL_STUDIES;
	case ROUTE_SEARCH_SERIES:
		return SEARCH_ALL_SERIES;
	case ROUTE_SEARCH_INSTANCES:
		return SEARCH_ALL_INSTANCES;
	case ROUTE_SEARCH_STUDY_SERIES:
		return SEARCH_STUDY_SERIES;
	case ROUTE_SEARCH_STUDY_INSTANCES:
		return SEARCH_STUDY_INSTANCES;
	default:
		return SEARCH_SERIES_INSTANCES;
	}
}

struct answer {
	struct request *rq;
	struct search_report report;
};

/* What is told beside the matches. */
static void
put_report(struct request *rq, const struct search_report *report)
{
	char text[200];

	if (!rq->dialect->wide_search && !report->cut)
		return;
	if (rq->dialect->wide_search && report->total != UINT64_MAX)
		reply_header(rq, "X-Total-Count", "%" PRIu64, report->total);
	if (report->headers > 0) {
		snprintf(text, sizeof text, "an attribute is not indexed: the headers of %" PRIu64
			 " candidates were looked at%s", report->headers,
			 report->cut ? ", and those of older ones were not" : "");
		reply_warning(rq, text);
	} else if (report->cut) {
		reply_warning(rq, "an attribute is not indexed: not all candidates were looked at");
	}
}

/* The head is sent with the first match, since none at all is a 204. */
static int
put_match(void *ctx, struct slice dataset)
{
	struct answer *a = ctx;
	struct request *rq = a->rq;
	int r;

	if (reply_begun(rq)) {
		r = reply_write(rq, ",", 1);
	} else {
		put_report(rq, &a->report);
		if (reply_begin(rq, 200, "application/dicom+json", REPLY_AUTO) != 0)
			return 1;
		r = reply_write(rq, "[", 1);
	}
	if (r == 0)
		r = reply_write(rq, dataset.data, dataset.len);
	return r;
}

static int
find_tag(void *ctx, uint32_t tag, struct search_tag *ret_tag)
{
	const struct request *rq = ctx;
	int r = store_search_tag(rq->service->store, tag, ret_tag);

	/* Contract 2.11: a value of the study, whatever tag there is. */
	if (external_wanted(rq) && (TAG_GROUP(tag) & 1) != 0) {
		*ret_tag = (struct search_tag){ .level = STORE_STUDY, .vr = r == 0 ? ret_tag->vr : VR('L', 'O') };
		r = 0;
	}
	return r;
}

/* Contract 4.5: a tag that somebody enabled in spite of its errors. */
static void
put_erroneous(struct request *rq, const struct qido_params *params)
{
	struct buf keys;
	size_t i;

	if (params->n_erroneous == 0)
		return;
	buf_init(&keys, LIMIT_REPLY_HEAD / 2);
	for (i = 0; i < params->n_erroneous; i++)
		buf_printf(&keys, "%s%s", i > 0 ? "," : "", params->erroneous[i]);
	reply_header(rq, "erroneous-dicom-attributes", "%s", keys.data);
	buf_fini(&keys);
}

int
qido_handle(struct request *rq, struct err *err)
{
	struct answer answer = { .rq = rq };
	struct uri_query query;
	struct qido_params params;
	struct buf url;
	int r;

	if (!request_takes_json(rq, true))
		return err_set(err, -ENOTSUP, "Searches are answered in application/dicom+json only");
	buf_init(&url, LIMIT_REPLY_HEAD);
	r = uri_parse_query(rq->raw_query, &query, err);
	if (r == 0)
		r = qido_parse(rq->dialect, url_of(rq), &query, find_tag, rq, &params, err);
	if (r == 0) {
		put_erroneous(rq, &params);
		params.search.partition = rq->partition;
		params.search.study_uid = rq->study_uid[0] != '\0' ? rq->study_uid : NULL;
		params.search.series_uid = rq->series_uid[0] != '\0' ? rq->series_uid : NULL;
		params.search.external = external_wanted(rq);
		params.search.online = rq->dialect->online;
		if (rq->dialect->online) {
			request_put_url(rq, NULL, NULL, NULL, &url);
			params.search.retrieve_url = url.data;
		}
		params.search.report = &answer.report;
		r = store_search(rq->service->store, &params.search, put_match, &answer, err);
	}
	buf_fini(&url);
	if (r == 0 && !reply_begun(rq)) {
		put_report(rq, &answer.report);
		reply_empty(rq, 204);
	} else if (r == 0 && (r = reply_write(rq, "]", 1)) == 0)
		r = reply_end(rq);
	return r < 0 ? r : 0;		/* 1: HEAD, put_match has replied */
}
