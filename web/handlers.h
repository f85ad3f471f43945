/* handlers.h: one function an endpoint; the request's UIDs have been checked.  0: it has
 * replied; a negative errno: the caller replies, by status.h and with err's sentence, or breaks
 * off what was begun. */
#ifndef WEB_HANDLERS_H
#define WEB_HANDLERS_H

struct err;
struct request;

int stow_handle(struct request *rq, struct err *err);
int qido_handle(struct request *rq, struct err *err);
int wado_instance_handle(struct request *rq, struct err *err);
int wado_metadata_handle(struct request *rq, struct err *err);
int wado_frames_handle(struct request *rq, struct err *err);
int wado_rendered_handle(struct request *rq, struct err *err);
int wado_thumbnail_handle(struct request *rq, struct err *err);
int wado_bulkdata_handle(struct request *rq, struct err *err);
int bulk_update_handle(struct request *rq, struct err *err);
int delete_handle(struct request *rq, struct err *err);
int api_handle(struct request *rq, struct err *err);
int change_feed_handle(struct request *rq, struct err *err);
int change_feed_latest_handle(struct request *rq, struct err *err);
int change_feed_follow_handle(struct request *rq, struct err *err);
int partitions_handle(struct request *rq, struct err *err);
int operation_handle(struct request *rq, struct err *err);
int query_tags_handle(struct request *rq, struct err *err);
int query_tags_add_handle(struct request *rq, struct err *err);
int query_tag_handle(struct request *rq, struct err *err);
int query_tag_errors_handle(struct request *rq, struct err *err);
int query_tag_change_handle(struct request *rq, struct err *err);
int query_tag_delete_handle(struct request *rq, struct err *err);
int export_handle(struct request *rq, struct err *err);
int import_put_handle(struct request *rq, struct err *err);
int import_queue_handle(struct request *rq, struct err *err);
int import_errors_handle(struct request *rq, struct err *err);
int import_error_handle(struct request *rq, struct err *err);
int import_error_delete_handle(struct request *rq, struct err *err);
int health_handle(struct request *rq, struct err *err);
int metrics_handle(struct request *rq, struct err *err);

#endif
