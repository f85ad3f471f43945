#include "catalog/header.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <zstd.h>

#include "base/hash.h"
#include "catalog/schema.h"

enum format { FORMAT_RAW, FORMAT_ZSTD, FORMAT_ZSTD_BASE, FORMAT_SAME };

#define LEVEL 3
/* Shorter ones are not worth a frame. */
#define RAW_MAX 64

/* Contexts cost 100 us to make: each thread keeps its own until it ends. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t compressor, expander;

static void
free_compressor(void *p)
{
	ZSTD_freeCCtx(p);
}

static void
free_expander(void *p)
{
	ZSTD_freeDCtx(p);
}

static void
make_keys(void)
{
	pthread_key_create(&compressor, free_compressor);
	pthread_key_create(&expander, free_expander);
}

static ZSTD_CCtx *
get_compressor(void)
{
	ZSTD_CCtx *c;

	pthread_once(&once, make_keys);
	c = pthread_getspecific(compressor);
	if (c == NULL) {
		c = ZSTD_createCCtx();
		if (c != NULL) {
			ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, LEVEL);
			pthread_setspecific(compressor, c);
		}
	}
	return c;
}

static ZSTD_DCtx *
get_expander(void)
{
	ZSTD_DCtx *d;

	pthread_once(&once, make_keys);
	d = pthread_getspecific(expander);
	if (d == NULL) {
		d = ZSTD_createDCtx();
		pthread_setspecific(expander, d);
	}
	return d;
}

uint64_t
header_base_id(struct slice json)
{
	unsigned char hash[HASH_LEN];
	uint64_t id;

	hash_bytes(json.data, json.len, hash);
	id = read_u64(hash);
	return id != 0 ? id : 1;
}

int
header_compress(struct slice json, struct slice base, struct buf *out)
{
	size_t before = out->len, n;
	ZSTD_CCtx *c;
	char *room;
	int r;

	if (base.len > 0 && json.len == base.len && memcmp(json.data, base.data, base.len) == 0)
		return buf_putc(out, FORMAT_SAME);
	c = json.len > RAW_MAX ? get_compressor() : NULL;
	if (c != NULL) {
		buf_putc(out, base.len > 0 ? FORMAT_ZSTD_BASE : FORMAT_ZSTD);
		r = buf_reserve(out, ZSTD_compressBound(json.len), &room);
		if (r < 0)
			return r;
		if (base.len > 0)
			ZSTD_CCtx_refPrefix(c, base.data, base.len);
		n = ZSTD_compress2(c, room, ZSTD_compressBound(json.len), json.data, json.len);
		if (!ZSTD_isError(n) && n < json.len) {
			buf_grow(out, n);
			return 0;
		}
		ZSTD_CCtx_reset(c, ZSTD_reset_session_only);
		buf_truncate(out, before);
	}
	buf_putc(out, FORMAT_RAW);
	return buf_put(out, json.data, json.len);
}

int
header_expand(struct slice stored, struct slice base, struct buf *out)
{
	const char *p = stored.data;
	unsigned long long size;
	ZSTD_DCtx *d;
	char *room;
	size_t n;
	int r;

	if (stored.len == 0)
		return -EIO;
	switch (p[0]) {
	case FORMAT_RAW:
		return buf_put(out, p + 1, stored.len - 1);
	case FORMAT_SAME:
		return buf_put(out, base.data, base.len);
	case FORMAT_ZSTD:
	case FORMAT_ZSTD_BASE:
		break;
	default:
		return -EIO;
	}
	size = ZSTD_getFrameContentSize(p + 1, stored.len - 1);
	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > HEADER_MAX)
		return -EIO;
	d = get_expander();
	if (d == NULL)
		return -ENOMEM;
	r = buf_reserve(out, size, &room);
	if (r < 0)
		return r;
	if (p[0] == FORMAT_ZSTD_BASE)
		ZSTD_DCtx_refPrefix(d, base.data, base.len);
	n = ZSTD_decompressDCtx(d, room, size, p + 1, stored.len - 1);
	if (ZSTD_isError(n) || n != size) {
		ZSTD_DCtx_reset(d, ZSTD_reset_session_only);
		return -EIO;
	}
	buf_grow(out, n);
	return 0;
}
