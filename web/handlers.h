/* handlers.h: one function an endpoint.  Each replies, whatever happens; the
 * request's UIDs have been checked. */
#ifndef WEB_HANDLERS_H
#define WEB_HANDLERS_H

struct request;

void stow_handle(struct request *rq);
void qido_handle(struct request *rq);
void wado_instance_handle(struct request *rq);
void wado_metadata_handle(struct request *rq);
void wado_bulkdata_handle(struct request *rq);
void delete_handle(struct request *rq);
void health_handle(struct request *rq);
void metrics_handle(struct request *rq);

#endif
