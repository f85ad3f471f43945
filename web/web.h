/* web.h: the DICOMweb door: one store, or several at one address. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "base/err.h"
#include "ops/export.h"
#include "ops/ops.h"
#include "store/store.h"

struct web;

struct web_store {
	struct store *store;
	struct ops *ops;		/* told of operations that are begun; NULL: another process sees to them */
	const struct export_settings *exports;	/* ops/export.h; NULL: there is no POST /export */
	uint64_t max_request;		/* bytes of a STOW request and of one instance; 0: 4 GiB */
};

struct web_options {
	const char *address;		/* "127.0.0.1", "::1" is not available in the packaged civetweb */
	unsigned port;			/* 0: any free one, see web_port */
	unsigned threads;		/* connections served at once; 0: default */
	const char *cors_origins;	/* whose pages may use the service: cors.h; NULL: no other origin's */
	/* More lines for /metrics (Prometheus text), e.g. the mount's, of one store or of all (NULL); may be NULL. */
	void (*metrics)(void *ctx, const struct store *st, struct buf *out);
	void *metrics_ctx;
};

/* Several stores have labels (store_label) that differ not only in case. */
int  web_start(const struct web_store *stores, size_t n, const struct web_options *options, struct web **ret_web,
	       struct err *err);
unsigned web_port(const struct web *w);
/* Ends requests under way within some seconds, waits for the threads.  NULL is fine. */
void web_stop(struct web *w);

#endif
