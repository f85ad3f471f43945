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

struct web {
	struct store *store;
	struct mg_context *context;
	struct web_options options;
	char *address;
	char *cors_origins;		/* NULL: none */
	unsigned port;
	atomic_int first_socket;	/* where to look for those of connections first; set when threads run already */
	uint64_t max_request;
	struct chunk_pool *chunks;
	struct pixels_cache *pixels;
	struct blocks *blocks;		/* of blobs that come in pieces */
	struct lru *coded;		/* metadata in gzip and zstd */
	atomic_uint copying;		/* replies that may become one of those */
	struct watch *watch;
	struct follow *follow;
	struct metrics metrics;
	atomic_uint active;		/* requests under way */
	atomic_uint connections;	/* that hold a thread */
	atomic_bool stopping;		/* new requests are refused */
};

#endif
