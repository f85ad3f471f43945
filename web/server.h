/* server.h: what the files of this folder share of a running service. */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include <stdatomic.h>

#include "web/chunks.h"
#include "web/follow.h"
#include "web/metrics.h"
#include "web/watch.h"
#include "web/web.h"

struct mg_context;
struct pixels_cache;
struct lru;

/* One store and what belongs to it alone. */
struct service {
	struct store *store;
	struct ops *ops;		/* web.h */
	const struct export_settings *exports;
	uint64_t max_request;
	struct blocks *blocks;		/* of blobs that come in pieces */
	struct follow *follow;
	struct metrics metrics;
};

struct web {
	struct service *services;
	size_t n;			/* with several, a request names its own by its path or host (request.h) */
	struct mg_context *context;
	struct web_options options;
	char *address;
	char *cors_origins;		/* NULL: none */
	unsigned port;
	atomic_int first_socket;	/* where to look for those of connections first; set when threads run already */
	struct chunk_pool *chunks;
	struct pixels_cache *pixels;
	struct lru *coded;		/* metadata in gzip and zstd */
	atomic_uint copying;		/* replies that may become one of those */
	struct watch *watch;
	struct metrics metrics;		/* of requests that were for no service, where there are several */
	atomic_uint active;		/* requests under way */
	atomic_uint connections;	/* that hold a thread */
	atomic_bool stopping;		/* new requests are refused */
};

#endif
