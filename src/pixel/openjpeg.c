/* JPEG 2000 (PS3.5 A.4.4) and High-Throughput JPEG 2000 (A.4.14) by OpenJPEG,
 * which decodes both.  OpenJPH 0.9 decodes the latter two to four times as fast, but ends
 * the program on code streams that are damaged. */
#include <errno.h>
#include <string.h>

#include <openjpeg.h>

#include "pixel/codec.h"

/* ------------------------------------------------------------ stream ---- */

struct source {
	const unsigned char *data;
	size_t len, at;
};

static OPJ_SIZE_T
read_source(void *to, OPJ_SIZE_T n, void *ctx)
{
	struct source *s = ctx;

	if (s->at >= s->len)
		return (OPJ_SIZE_T)-1;
	if (n > s->len - s->at)
		n = s->len - s->at;
	memcpy(to, s->data + s->at, n);
	s->at += n;
	return n;
}

static OPJ_OFF_T
skip_source(OPJ_OFF_T n, void *ctx)
{
	struct source *s = ctx;

	if (n < 0 || (uint64_t)n > s->len - s->at)
		return -1;
	s->at += (size_t)n;
	return n;
}

static OPJ_BOOL
seek_source(OPJ_OFF_T at, void *ctx)
{
	struct source *s = ctx;

	if (at < 0 || (uint64_t)at > s->len)
		return OPJ_FALSE;
	s->at = (size_t)at;
	return OPJ_TRUE;
}

/* What is encoded goes to a buf from `start` on; the codec goes back to write lengths. */
struct sink {
	struct buf *out;
	size_t start, at;
};

static OPJ_SIZE_T
write_sink(void *data, OPJ_SIZE_T n, void *ctx)
{
	struct sink *s = ctx;
	size_t end = s->start + s->at, over;

	over = s->out->len - end < n ? s->out->len - end : n;
	if (over > 0)
		memcpy(s->out->data + end, data, over);
	if (n > over && buf_put(s->out, (const char *)data + over, n - over) < 0)
		return (OPJ_SIZE_T)-1;
	s->at += n;
	return n;
}

static OPJ_OFF_T
skip_sink(OPJ_OFF_T n, void *ctx)
{
	struct sink *s = ctx;
	OPJ_OFF_T i;

	for (i = 0; i < n; i++)
		if (s->start + s->at == s->out->len ? buf_putc(s->out, 0) < 0 : false)
			return -1;
		else
			s->at++;
	return n;
}

static OPJ_BOOL
seek_sink(OPJ_OFF_T at, void *ctx)
{
	struct sink *s = ctx;

	if (at < 0 || (uint64_t)at > s->out->len - s->start)
		return OPJ_FALSE;
	s->at = (size_t)at;
	return OPJ_TRUE;
}

/* ------------------------------------------------------------ decode ---- */

static int
check_image(const opj_image_t *image, const struct pixel_format *f, struct err *err)
{
	uint32_t i;

	if (image->x1 < image->x0 || image->y1 < image->y0 || image->x1 - image->x0 != f->columns ||
	    image->y1 - image->y0 != f->rows || image->numcomps < f->samples || image->numcomps > 4)
		return err_set(err, -EBADMSG, "the JPEG 2000 frame is %u x %u x %u, the data set says otherwise",
			       image->x1 - image->x0, image->y1 - image->y0, image->numcomps);
	for (i = 0; i < image->numcomps; i++)
		if (image->comps[i].prec == 0 || image->comps[i].prec > (f->bits_allocated > 8 ? f->bits_allocated : 8) ||
		    image->comps[i].prec > 31 || image->comps[i].dx == 0 || image->comps[i].dx > 4 ||
		    image->comps[i].dy == 0 || image->comps[i].dy > 4)
			return err_set(err, -EBADMSG, "the JPEG 2000 frame has %u bits, its cells %u",
				       image->comps[i].prec, f->bits_allocated);
	return 0;
}

/* Signs are the data set's: a stream that disagrees has the same bits, which
 * are extended as the data set wants. */
static int32_t
settle(int32_t v, const opj_image_comp_t *c, bool is_signed)
{
	uint32_t sign = (uint32_t)1 << (c->prec - 1), mask = (sign << 1) - 1;

	if (is_signed == (c->sgnd != 0))
		return v;
	return is_signed ? (int32_t)((((uint32_t)v & mask) ^ sign) - sign) : (int32_t)((uint32_t)v & mask);
}

static void
put_component(struct pixel_frame *frame, uint32_t s, const opj_image_comp_t *c)
{
	const struct pixel_format *f = &frame->format;
	size_t size = cell_size(f), at;
	uint32_t x, y;

	for (y = 0; y < f->rows; y++) {
		uint32_t cy = y / c->dy < c->h ? y / c->dy : c->h - 1;
		const int32_t *row = c->data + (size_t)cy * c->w;

		at = (size_t)y * f->columns * f->samples + s;
		for (x = 0; x < f->columns; x++, at += f->samples) {
			uint32_t v = (uint32_t)settle(row[x / c->dx < c->w ? x / c->dx : c->w - 1], c, f->is_signed);
			unsigned char *p = frame->data + at * size;

			switch (size) {
			case 0:
				frame->data[at / 8] |= (unsigned char)((v & 1) << at % 8);
				break;
			case 4:
				p[3] = (unsigned char)(v >> 24);
				p[2] = (unsigned char)(v >> 16);
				/* fall through */
			case 2:
				p[1] = (unsigned char)(v >> 8);
				/* fall through */
			default:
				p[0] = (unsigned char)v;
			}
		}
	}
}

static int
decode(opj_codec_t *codec, opj_stream_t *stream, opj_image_t **image, struct pixel_frame *frame, struct err *err)
{
	struct pixel_format *f = &frame->format;
	opj_dparameters_t parameters;
	uint32_t s;
	int r;

	opj_set_default_decoder_parameters(&parameters);
	if (!opj_setup_decoder(codec, &parameters) || !opj_read_header(stream, codec, image))
		return err_set(err, -EBADMSG, "the JPEG 2000 frame has no header that can be read");
	r = check_image(*image, f, err);
	if (r < 0)
		return r;
	if (!opj_decode(codec, stream, *image))
		return err_set(err, -EBADMSG, "the JPEG 2000 frame is damaged");
	for (s = 0; s < f->samples; s++)
		if ((*image)->comps[s].data == NULL || (*image)->comps[s].w == 0 || (*image)->comps[s].h == 0)
			return err_set(err, -EBADMSG, "the JPEG 2000 frame lacks a component");
	for (s = 0; s < f->samples; s++)
		put_component(frame, s, &(*image)->comps[s]);
	f->planar = false;
	/* The library undoes both colour transforms. */
	if (f->color == PIXEL_YBR_RCT || f->color == PIXEL_YBR_ICT)
		f->color = PIXEL_RGB;
	else if (f->color == PIXEL_YBR_FULL_422)
		f->color = PIXEL_YBR_FULL;
	return 0;
}

int
openjpeg_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err)
{
	static const unsigned char box[] = { 0, 0, 0, 12, 'j', 'P' };
	bool boxed = len > sizeof box && memcmp(data, box, sizeof box) == 0;
	struct source source = { data, len, 0 };
	opj_codec_t *codec;
	opj_stream_t *stream;
	opj_image_t *image = NULL;
	int r;

	if (frame->format.bits_allocated > 32 || (frame->format.bits_allocated == 1 && frame->format.samples != 1))
		return err_set(err, -EOPNOTSUPP, "JPEG 2000 with %u samples of %u bits", frame->format.samples,
			       frame->format.bits_allocated);
	r = j2k_check_cut(data, len, &frame->format, err);
	if (r < 0)
		return r;
	codec = opj_create_decompress(boxed ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
	stream = opj_stream_create(64 << 10, OPJ_TRUE);
	if (codec == NULL || stream == NULL) {
		r = err_set(err, -ENOMEM, "out of memory");
	} else {
		opj_stream_set_user_data(stream, &source, NULL);
		opj_stream_set_user_data_length(stream, len);
		opj_stream_set_read_function(stream, read_source);
		opj_stream_set_skip_function(stream, skip_source);
		opj_stream_set_seek_function(stream, seek_source);
		r = decode(codec, stream, &image, frame, err);
	}
	opj_image_destroy(image);
	if (codec != NULL)
		opj_destroy_codec(codec);
	if (stream != NULL)
		opj_stream_destroy(stream);
	return r;
}

/* ------------------------------------------------------------ encode ---- */

static opj_image_t *
make_image(const struct pixel_frame *frame)
{
	const struct pixel_format *f = &frame->format;
	size_t size = cell_size(f), n = (size_t)f->rows * f->columns, i;
	opj_image_cmptparm_t parameters[4] = { 0 };
	opj_image_t *image;
	uint32_t s, bits = size == 0 ? 1 : cell_bits(frame, f->is_signed);

	for (s = 0; s < f->samples; s++)
		parameters[s] = (opj_image_cmptparm_t){ .dx = 1, .dy = 1, .w = f->columns, .h = f->rows,
							.prec = bits, .sgnd = f->is_signed && size > 0 };
	image = opj_image_create(f->samples, parameters, f->samples == 1 ? OPJ_CLRSPC_GRAY :
				 f->color == PIXEL_RGB ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_SYCC);
	if (image == NULL)
		return NULL;
	image->x1 = f->columns;
	image->y1 = f->rows;
	for (s = 0; s < f->samples; s++) {
		OPJ_INT32 *to = image->comps[s].data;
		const unsigned char *p = frame->data + s * size;
		size_t step = f->samples * size;

		for (i = 0; i < n; i++, p += step)
			switch (size) {
			case 0:
				to[i] = frame->data[i / 8] >> i % 8 & 1;
				break;
			case 1:
				to[i] = f->is_signed ? (signed char)p[0] : p[0];
				break;
			default:
				to[i] = f->is_signed ? (int16_t)(p[1] << 8 | p[0]) : p[1] << 8 | p[0];
			}
	}
	return image;
}

static int
encode(opj_codec_t *codec, opj_stream_t *stream, opj_image_t *image, bool rct)
{
	opj_cparameters_t parameters;
	uint32_t small = image->x1 < image->y1 ? image->x1 : image->y1;

	opj_set_default_encoder_parameters(&parameters);
	parameters.tcp_numlayers = 1;
	parameters.tcp_rates[0] = 0;		/* lossless */
	parameters.cp_disto_alloc = 1;
	parameters.irreversible = 0;
	parameters.tcp_mct = rct;
	/* no more than the smaller side can be halved */
	while (parameters.numresolution > 1 && small < 1u << (parameters.numresolution - 1))
		parameters.numresolution--;
	return opj_setup_encoder(codec, &parameters, image) && opj_start_compress(codec, image, stream) &&
	       opj_encode(codec, stream) && opj_end_compress(codec, stream) ? 0 : -EOPNOTSUPP;
}

int
openjpeg_encode(const struct pixel_frame *frame, unsigned quality, struct buf *out, struct pixel_format *format,
		struct err *err)
{
	bool rct = format->samples == 3 && format->color == PIXEL_RGB;
	struct sink sink = { out, out->len, 0 };
	opj_codec_t *codec;
	opj_stream_t *stream;
	opj_image_t *image;
	int r;

	(void)quality;
	if (format->bits_allocated > 16 || (format->bits_allocated == 1 && format->samples != 1))
		return err_set(err, -EOPNOTSUPP, "cells of %u bits cannot be encoded as JPEG 2000", format->bits_allocated);
	codec = opj_create_compress(OPJ_CODEC_J2K);
	stream = opj_stream_create(1 << 20, OPJ_FALSE);
	image = make_image(frame);
	if (codec == NULL || stream == NULL || image == NULL) {
		r = err_set(err, -ENOMEM, "out of memory");
	} else {
		opj_stream_set_user_data(stream, &sink, NULL);
		opj_stream_set_write_function(stream, write_sink);
		opj_stream_set_skip_function(stream, skip_sink);
		opj_stream_set_seek_function(stream, seek_sink);
		r = encode(codec, stream, image, rct);
		if (r < 0)
			err_set(err, r, "the frame cannot be encoded as JPEG 2000");
	}
	opj_image_destroy(image);
	if (codec != NULL)
		opj_destroy_codec(codec);
	if (stream != NULL)
		opj_stream_destroy(stream);
	format->planar = false;
	if (rct)
		format->color = PIXEL_YBR_RCT;
	return r;
}
