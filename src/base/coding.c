#include "base/coding.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* zlib's windowBits: the largest window, and which wrapper. */
#define ANY_WRAPPER (15 + 32)
#define GZIP_WRAPPER (15 + 16)
#define GZIP_LEVEL 1
/* zlib's own: 256 KiB, of which a quarter costs nothing in size at level 1. */
#define GZIP_MEMORY 8
#define ZSTD_LEVEL 1

const char *
coding_name(enum coding coding)
{
	return coding == CODING_ZSTD ? "zstd" : coding == CODING_GZIP ? "gzip" : "identity";
}

static unsigned
cut(size_t n)
{
	return n < UINT_MAX ? (unsigned)n : UINT_MAX;
}

/* ---------------------------------------------------------- decoding ---- */

struct decoder {
	z_stream z;
	bool complete;			/* between two members */
};

int
decoder_new(struct decoder **ret_decoder)
{
	struct decoder *d = calloc(1, sizeof *d);

	if (d == NULL || inflateInit2(&d->z, ANY_WRAPPER) != Z_OK) {
		free(d);
		return -ENOMEM;
	}
	*ret_decoder = d;
	return 0;
}

int
decoder_read(struct decoder *d, const void **data, size_t *len, void *to, size_t size)
{
	unsigned given;
	int z = Z_OK;

	if (size > INT_MAX)
		size = INT_MAX;
	d->z.next_out = to;
	d->z.avail_out = (unsigned)size;
	while (z == Z_OK && *len > 0 && d->z.avail_out > 0) {
		if (d->complete && inflateReset(&d->z) != Z_OK)
			return -EBADMSG;
		d->complete = false;
		given = cut(*len);
		d->z.next_in = (Bytef *)*data;
		d->z.avail_in = given;
		z = inflate(&d->z, Z_NO_FLUSH);
		*data = d->z.next_in;
		*len -= given - d->z.avail_in;
		if (z == Z_STREAM_END) {
			d->complete = true;
			z = Z_OK;
		}
	}
	/* A call after all input was taken may still find output. */
	if (z == Z_OK && *len == 0 && !d->complete && d->z.avail_out > 0) {
		d->z.avail_in = 0;
		z = inflate(&d->z, Z_NO_FLUSH);
		d->complete = z == Z_STREAM_END;
	}
	if (z == Z_MEM_ERROR)
		return -ENOMEM;
	if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
		return -EBADMSG;
	return (int)(size - d->z.avail_out);
}

bool
decoder_is_complete(const struct decoder *d)
{
	return d->complete;
}

void
decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	inflateEnd(&d->z);
	free(d);
}

/* ---------------------------------------------------------- encoding ---- */

struct encoder {
	enum coding coding;
	z_stream z;
	ZSTD_CCtx *zstd;
};

int
encoder_new(enum coding coding, struct encoder **ret_encoder)
{
	struct encoder *e = calloc(1, sizeof *e);
	bool good = false;

	if (e == NULL)
		return -ENOMEM;
	e->coding = coding;
	if (coding == CODING_GZIP) {
		good = deflateInit2(&e->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WRAPPER, GZIP_MEMORY,
				    Z_DEFAULT_STRATEGY) == Z_OK;
	} else {
		e->zstd = ZSTD_createCCtx();
		good = e->zstd != NULL &&
			!ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL));
	}
	if (!good) {
		encoder_free(e);
		return -ENOMEM;
	}
	*ret_encoder = e;
	return 0;
}

static int
write_gzip(struct encoder *e, const void **data, size_t *len, bool last, void *to, size_t size, size_t *ret_made)
{
	unsigned given = cut(*len), room = cut(size);
	int z;

	e->z.next_in = (Bytef *)*data;
	e->z.avail_in = given;
	e->z.next_out = to;
	e->z.avail_out = room;
	z = deflate(&e->z, last && given == *len ? Z_FINISH : Z_NO_FLUSH);
	*data = e->z.next_in;
	*len -= given - e->z.avail_in;
	*ret_made = room - e->z.avail_out;
	if (z == Z_STREAM_END)
		return 0;
	if (z != Z_OK && z != Z_BUF_ERROR)
		return -EIO;
	return last || *len > 0 || e->z.avail_out == 0;
}

static int
write_zstd(struct encoder *e, const void **data, size_t *len, bool last, void *to, size_t size, size_t *ret_made)
{
	ZSTD_inBuffer in = { *data, *len, 0 };
	ZSTD_outBuffer out = { to, size, 0 };
	size_t left = ZSTD_compressStream2(e->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);

	if (ZSTD_isError(left))
		return -EIO;
	*data = (const char *)*data + in.pos;
	*len -= in.pos;
	*ret_made = out.pos;
	return last ? left > 0 : *len > 0;
}

int
encoder_write(struct encoder *e, const void **data, size_t *len, bool last, void *to, size_t size,
	      size_t *ret_made)
{
	if (e->coding == CODING_GZIP)
		return write_gzip(e, data, len, last, to, size, ret_made);
	return write_zstd(e, data, len, last, to, size, ret_made);
}

void
encoder_free(struct encoder *e)
{
	if (e == NULL)
		return;
	if (e->coding == CODING_GZIP)
		deflateEnd(&e->z);
	ZSTD_freeCCtx(e->zstd);
	free(e);
}
